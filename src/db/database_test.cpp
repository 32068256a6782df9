#include "db/database.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

#include "sys/file.h"

namespace diatom::db {
namespace {

constexpr std::string_view kFirst = "CREATE TABLE thing (name TEXT PRIMARY KEY, size INTEGER NOT NULL) STRICT";
constexpr std::string_view kSecond = "ALTER TABLE thing ADD COLUMN note TEXT NOT NULL DEFAULT 'none'";

class DatabaseTest : public testing::Test {
protected:
    DatabaseTest() { directory_ = ::mkdtemp(directory_.data()); }
    ~DatabaseTest() override { std::ignore = sys::remove_tree(directory_); }
    std::string path() const { return directory_ + "/test.db"; }

    std::string directory_ = testing::TempDir() + "diatom-db-XXXXXX";
};

Result<void> insert(Database& database, std::string_view name, std::int64_t size) {
    auto statement = TRY(database.prepare("INSERT INTO thing (name, size) VALUES (?, ?)"));
    return statement.bind(name).bind(size).run();
}

std::int64_t count(Database& database) {
    auto statement = database.prepare("SELECT count(*) FROM thing");
    EXPECT_TRUE(statement && *statement->step());
    return statement->number(0);
}

TEST_F(DatabaseTest, KeepsWhatWasCommitted) {
    {
        auto database = Database::open(path(), {kFirst});
        ASSERT_TRUE(database) << database.error().what();
        ASSERT_TRUE(insert(*database, "one", 1LL << 40));
    }
    auto database = Database::open(path(), {kFirst});
    ASSERT_TRUE(database) << database.error().what();
    auto statement = database->prepare("SELECT name, size FROM thing");
    ASSERT_TRUE(statement);
    ASSERT_TRUE(*statement->step());
    EXPECT_EQ(statement->text(0), "one");
    EXPECT_EQ(statement->number(1), 1LL << 40);
    EXPECT_FALSE(*statement->step());
}

TEST_F(DatabaseTest, CommitsAreFlushedToTheDisk) {
    auto database = Database::open(path(), {kFirst});
    ASSERT_TRUE(database);
    auto journal = database->prepare("PRAGMA journal_mode");
    ASSERT_TRUE(journal && *journal->step());
    EXPECT_EQ(journal->text(0), "wal");
    auto synchronous = database->prepare("PRAGMA synchronous");
    ASSERT_TRUE(synchronous && *synchronous->step());
    EXPECT_EQ(synchronous->number(0), 2);  // FULL
}

TEST_F(DatabaseTest, ACommitMayWaitForALaterOne) {
    auto database = Database::open(path(), {kFirst}).value();
    const auto synchronous = [&] {
        auto statement = database.prepare("PRAGMA synchronous");
        EXPECT_TRUE(statement && *statement->step());
        return statement->number(0);
    };
    ASSERT_TRUE(database.use(Database::Commits::later));
    EXPECT_EQ(synchronous(), 1) << "NORMAL";
    ASSERT_TRUE(insert(database, "later", 1));
    auto moved = std::move(database);
    ASSERT_TRUE(moved.use(Database::Commits::synced));
    database = std::move(moved);
    EXPECT_EQ(synchronous(), 2) << "FULL";
    auto other = Database::open(path(), {kFirst});
    ASSERT_TRUE(other);
    EXPECT_EQ(count(*other), 1) << "seen by others at once";
    ASSERT_TRUE(database.transaction([&]() -> Result<void> {
        EXPECT_FALSE(database.use(Database::Commits::later)) << "SQLite refuses it inside a transaction";
        return {};
    }));
}

TEST_F(DatabaseTest, MigratesFromAnyVersion) {
    {
        auto old = Database::open(path(), {kFirst});
        ASSERT_TRUE(old && insert(*old, "old", 1));
    }
    auto database = Database::open(path(), {kFirst, kSecond});
    ASSERT_TRUE(database) << database.error().what();
    auto statement = database->prepare("SELECT note FROM thing");
    ASSERT_TRUE(statement && *statement->step());
    EXPECT_EQ(statement->text(0), "none");
}

TEST_F(DatabaseTest, AFailedMigrationLeavesTheOldSchema) {
    ASSERT_TRUE(Database::open(path(), {kFirst}));
    auto broken = Database::open(path(), {kFirst, "CREATE TABLE other (x); CREATE TABLE thing (y)"});
    ASSERT_FALSE(broken);
    auto database = Database::open(path(), {kFirst, kSecond});
    ASSERT_TRUE(database) << database.error().what();
    EXPECT_FALSE(database->prepare("SELECT x FROM other"));
}

TEST_F(DatabaseTest, RefusesTheSchemaOfANewerVersion) {
    ASSERT_TRUE(Database::open(path(), {kFirst, kSecond}));
    auto database = Database::open(path(), {kFirst});
    ASSERT_FALSE(database);
    EXPECT_EQ(database.error().kind(), Kind::unsupported);
}

TEST_F(DatabaseTest, RollsBackWhenTheWorkFails) {
    auto database = Database::open(path(), {kFirst});
    ASSERT_TRUE(database);
    auto done = database->transaction([&]() -> Result<void> {
        TRY(insert(*database, "one", 1));
        return insert(*database, "one", 2);
    });
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind(), Kind::conflict);
    EXPECT_EQ(count(*database), 0);
    EXPECT_TRUE(database->transaction([&] { return insert(*database, "two", 2); }));
    EXPECT_EQ(count(*database), 1);
}

TEST_F(DatabaseTest, ReportsACorruptFileAndKeepsIt) {
    const std::string garbage(8192, 'x');
    std::ofstream(path()) << garbage;
    auto database = Database::open(path(), {kFirst});
    ASSERT_FALSE(database);
    EXPECT_EQ(database.error().kind(), Kind::corrupt);
    EXPECT_EQ(*sys::read_file(path()), garbage);
}

TEST_F(DatabaseTest, CheckFindsWhatIsDamagedWithin) {
    constexpr std::size_t kPage = 4096;
    {
        auto database = Database::open(path(), {kFirst});
        ASSERT_TRUE(database);
        for (int i = 0; i < 1000; ++i) ASSERT_TRUE(insert(*database, std::format("thing {}", i), i));
        EXPECT_TRUE(database->check());
    }
    auto bytes = *sys::read_file(path());
    ASSERT_GT(bytes.size(), 6 * kPage);
    bytes.replace(4 * kPage, kPage, std::string(kPage, 'x'));
    std::ofstream(path()) << bytes;
    auto database = Database::open(path(), {kFirst});
    ASSERT_TRUE(database) << database.error().what();
    EXPECT_EQ(database->check().error().kind(), Kind::corrupt);
}

TEST_F(DatabaseTest, CheckFollowsReferences) {
    auto database = Database::open(path(), {"CREATE TABLE a (id TEXT PRIMARY KEY);"
                                            "CREATE TABLE b (a TEXT NOT NULL REFERENCES a(id))"});
    ASSERT_TRUE(database);
    EXPECT_TRUE(database->check());
    ASSERT_TRUE(database->execute("PRAGMA foreign_keys=OFF; INSERT INTO b VALUES ('nobody')"));
    EXPECT_EQ(database->check().error().kind(), Kind::corrupt);
}

TEST_F(DatabaseTest, BindingTooManyValuesIsAnError) {
    auto database = Database::open(path(), {kFirst});
    ASSERT_TRUE(database);
    auto statement = database->prepare("SELECT 1 FROM thing WHERE name = ?");
    ASSERT_TRUE(statement);
    EXPECT_FALSE(statement->bind("a").bind("b").step());
}

TEST_F(DatabaseTest, EmptyTextIsNotNull) {
    auto database = Database::open(path(), {kFirst, kSecond});
    ASSERT_TRUE(database);
    EXPECT_TRUE(database->prepare("INSERT INTO thing (name, size, note) VALUES (?, ?, ?)")
                    ->bind(std::string_view())
                    .bind(std::int64_t{0})
                    .bind(std::string_view())
                    .run());
    EXPECT_EQ(count(*database), 1);
}

}  // namespace
}  // namespace diatom::db
