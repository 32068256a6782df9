// SQLite behind Result<T>: one connection, statements that bind and step, a write-ahead log. Thread side: one thread at
// a time per Database; open one per owner.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace diatom::db {

class Statement {
public:
    Statement(Statement&& other) noexcept;
    Statement& operator=(Statement&&) = delete;
    ~Statement();
    Statement& bind(std::string_view text);
    Statement& bind(std::int64_t number);
    Result<bool> step();  // true: a row is there
    Result<void> run();   // to the end, rows ignored
    std::string text(int column) const;
    std::int64_t number(int column) const;

private:
    friend class Database;
    explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
    sqlite3_stmt* statement_ = nullptr;
    int bound_ = 0;
    int bind_error_ = 0;
};

class Database {
public:
    // When a commit is on the disk: as it returns (synchronous=FULL), or with a later one (NORMAL), for what is worth
    // nothing after a power cut. Either way it is there for whoever opens the file next, and in the order of commits.
    enum class Commits : std::uint8_t { synced, later };

    // Opens or makes the file and brings its schema up to date: `migrations[i]` leads from user_version i to i + 1.
    // A file that SQLite calls corrupt is reported as Kind::corrupt; it is never deleted.
    static Result<Database> open(const std::string& path, std::initializer_list<std::string_view> migrations);
    Database(Database&&) noexcept;
    Database& operator=(Database&&) noexcept;
    ~Database();

    Result<Statement> prepare(std::string_view sql);
    Result<void> execute(std::string_view sql);
    // From the next commit on; synced at first. Not inside a transaction.
    Result<void> use(Commits commits);
    // corrupt, with SQLite's own words, when the file or its references between tables are not whole. Reads all of it.
    Result<void> check();
    // BEGIN IMMEDIATE … COMMIT; rolled back when `work` fails.
    Result<void> transaction(const std::function<Result<void>()>& work);

private:
    explicit Database(sqlite3* handle) : handle_(handle) {}
    sqlite3* handle_ = nullptr;
    Commits commits_ = Commits::synced;
};

}  // namespace diatom::db
