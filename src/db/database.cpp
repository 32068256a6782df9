#include "db/database.h"

#include <sqlite3.h>

#include <cerrno>
#include <format>

namespace diatom::db {
namespace {

// Another process (a command line tool beside the engine) may hold the lock for a moment.
constexpr int kBusyMilliseconds = 10'000;

Kind kind_of(int code) noexcept {
    switch (code & 0xff) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return Kind::corrupt;
        case SQLITE_FULL:
        case SQLITE_NOMEM:
        case SQLITE_TOOBIG: return Kind::exhausted;
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return Kind::unavailable;
        case SQLITE_CONSTRAINT: return Kind::conflict;
        case SQLITE_PERM:
        case SQLITE_READONLY:
        case SQLITE_AUTH: return Kind::denied;
        case SQLITE_ERROR:
        case SQLITE_MISUSE:
        case SQLITE_RANGE:
        case SQLITE_MISMATCH: return Kind::bug;
        default: return Kind::io;
    }
}

Failure sqlite_error(sqlite3* handle, int code, std::string_view doing) {
    const char* text = handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
    const int error = handle != nullptr ? sqlite3_system_errno(handle) : 0;
    return Failure(Error(kind_of(code), std::format("{}: {}", doing, text), error));
}

Result<std::int64_t> read_pragma(Database& database, std::string_view sql) {
    auto statement = TRY(database.prepare(sql));
    if (!TRY(statement.step())) return fail(Kind::bug, "{} gives no row", sql);
    return statement.number(0);
}

// Readers never wait for a writer. FULL is Commits::synced.
Result<void> configure(Database& database) {
    TRY(database.execute("PRAGMA journal_mode=WAL"));
    TRY(database.execute("PRAGMA synchronous=FULL"));
    TRY(database.execute("PRAGMA foreign_keys=ON"));
    return {};
}

Result<void> migrate(Database& database, std::initializer_list<std::string_view> migrations) {
    const auto version = TRY(read_pragma(database, "PRAGMA user_version"));
    const auto newest = static_cast<std::int64_t>(migrations.size());
    if (version < 0 || version > newest) {
        return fail(Kind::unsupported,
                    "schema version {} was written by a newer version of this program (it knows {}): "
                    "boot that version again",
                    version, newest);
    }
    for (auto next = version; next < newest; ++next) {
        TRY(database.transaction([&]() -> Result<void> {
            TRY(database.execute(migrations.begin()[next]));
            return database.execute(std::format("PRAGMA user_version={}", next + 1));
        }),
            "bring the schema to version {}", next + 1);
    }
    return {};
}

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)), bound_(other.bound_), bind_error_(other.bind_error_) {}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::bind(std::string_view text) {
    const char* data = text.data() != nullptr ? text.data() : "";
    const int code = sqlite3_bind_text64(statement_, ++bound_, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    if (code != SQLITE_OK && bind_error_ == SQLITE_OK) bind_error_ = code;
    return *this;
}

Statement& Statement::bind(std::int64_t number) {
    const int code = sqlite3_bind_int64(statement_, ++bound_, number);
    if (code != SQLITE_OK && bind_error_ == SQLITE_OK) bind_error_ = code;
    return *this;
}

Result<bool> Statement::step() {
    sqlite3* handle = sqlite3_db_handle(statement_);
    if (bind_error_ != SQLITE_OK) return sqlite_error(nullptr, bind_error_, sqlite3_sql(statement_));
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return sqlite_error(handle, code, sqlite3_sql(statement_));
}

Result<void> Statement::run() {
    while (TRY(step())) {}
    return {};
}

std::string Statement::text(int column) const {
    const auto* data = sqlite3_column_text(statement_, column);
    if (data == nullptr) return {};
    return {reinterpret_cast<const char*>(data), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::int64_t Statement::number(int column) const { return sqlite3_column_int64(statement_, column); }

Result<Database> Database::open(const std::string& path, std::initializer_list<std::string_view> migrations) {
    sqlite3* handle = nullptr;
    constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
    const int code = sqlite3_open_v2(path.c_str(), &handle, kFlags, nullptr);
    Database database(handle);
    if (code != SQLITE_OK) return sqlite_error(handle, code, std::format("open database {}", path));
    sqlite3_busy_timeout(handle, kBusyMilliseconds);
    TRY(configure(database), "open database {}", path);
    TRY(migrate(database, migrations), "open database {}", path);
    return database;
}

Database::Database(Database&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), commits_(other.commits_) {}

Database& Database::operator=(Database&& other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(commits_, other.commits_);
    return *this;
}

// close_v2: a statement that outlives its database keeps the connection until it is finalised itself.
Database::~Database() { sqlite3_close_v2(handle_); }

Result<Statement> Database::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v2(handle_, sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
    if (code != SQLITE_OK) return sqlite_error(handle_, code, sql);
    if (statement == nullptr) return fail(Kind::bug, "prepare: \"{}\" holds no statement", sql);
    return Statement(statement);
}

Result<void> Database::execute(std::string_view sql) {
    const std::string text(sql);
    const int code = sqlite3_exec(handle_, text.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return sqlite_error(handle_, code, sql);
    return {};
}

Result<void> Database::use(Commits commits) {
    if (commits == commits_) return {};
    TRY(execute(commits == Commits::synced ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL"));
    commits_ = commits;
    return {};
}

Result<void> Database::check() {
    auto whole = TRY(prepare("PRAGMA integrity_check(10)"));
    while (TRY(whole.step())) {
        if (whole.text(0) != "ok") return fail(Kind::corrupt, "{}", whole.text(0));
    }
    auto references = TRY(prepare("PRAGMA foreign_key_check"));
    if (TRY(references.step())) {
        return fail(Kind::corrupt, "row {} of table {} refers to a row of table {} that is not there",
                    references.number(1), references.text(0), references.text(2));
    }
    return {};
}

Result<void> Database::transaction(const std::function<Result<void>()>& work) {
    TRY(execute("BEGIN IMMEDIATE"));
    auto done = work();
    if (done) done = execute("COMMIT");
    if (done) return {};
    // SQLite may have rolled back itself (disk full, I/O error); the first error is the one to tell.
    if (sqlite3_get_autocommit(handle_) == 0) std::ignore = execute("ROLLBACK");
    return done;
}

}  // namespace diatom::db
