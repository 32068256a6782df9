#include "engine/records.h"

#include "engine/codec.h"
#include "sys/log.h"

namespace diatom::engine {
namespace {

constexpr std::string_view kSchema =
    "CREATE TABLE containers (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, created INTEGER NOT NULL, document TEXT "
    "NOT NULL);"
    "CREATE TABLE volumes (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, created INTEGER NOT NULL, document TEXT NOT "
    "NULL);"
    "CREATE TABLE networks (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, created INTEGER NOT NULL, document TEXT "
    "NOT NULL);";

using Commits = db::Database::Commits;

Commits commits_of(const Container& container) {
    return container.config.auto_remove && container.volumes.empty() ? Commits::later : Commits::synced;
}

template <class T>
Result<std::vector<T>> load(db::Database& database, const std::string& table, Result<T> (*decode)(const Json&)) {
    std::vector<T> records;
    auto rows = TRY(database.prepare("SELECT id, document FROM " + table + " ORDER BY created, id"));
    while (TRY(rows.step())) {
        const std::string id = rows.text(0);
        auto document = parse_json(rows.text(1), "record " + id);
        auto record = document ? decode(*document) : Result<T>(Failure(document.error()));
        if (record) {
            records.push_back(std::move(*record));
        } else {
            log::error("a record cannot be read and is left out",
                       {{"table", table}, {"id", id}, {"error", record.error().what()}});
        }
    }
    return records;
}

}  // namespace

Result<Records> Records::open(const std::string& path) {
    return Records(TRY(db::Database::open(path, {kSchema}), "open the engine's records"));
}

Result<void> Records::upsert(const char* table, const std::string& id, const std::string& name, std::int64_t created,
                             const std::string& document) {
    auto statement =
        TRY(database_.prepare(std::string("INSERT INTO ") + table +
                              " (id, name, created, document) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE "
                              "SET name = excluded.name, document = excluded.document"));
    statement.bind(id).bind(name).bind(created).bind(document);
    TRY(statement.run(), "write the record of {}", name);
    return {};
}

Result<void> Records::erase(const char* table, const std::string& id) {
    auto statement = TRY(database_.prepare(std::string("DELETE FROM ") + table + " WHERE id = ?"));
    statement.bind(id);
    TRY(statement.run(), "delete the record of {}", id);
    return {};
}

Result<std::vector<std::string>> Records::ids(const char* table) {
    std::vector<std::string> all;
    auto rows = TRY(database_.prepare(std::string("SELECT id FROM ") + table));
    while (TRY(rows.step())) all.push_back(rows.text(0));
    return all;
}

Result<void> Records::check() { return database_.check(); }

Result<std::vector<Container>> Records::containers() {
    return load<Container>(database_, "containers", decode_container);
}
Result<void> Records::put(const Container& container) {
    TRY(database_.use(commits_of(container)));
    return upsert(container);
}
Result<void> Records::put(const Container& container, const std::vector<Volume>& volumes) {
    TRY(database_.use(commits_of(container)));
    return database_.transaction([&]() -> Result<void> {
        for (const auto& volume : volumes) TRY(upsert(volume));
        return upsert(container);
    });
}
Result<void> Records::erase(const Container& container, const std::vector<std::string>& volumes) {
    TRY(database_.use(commits_of(container)));
    return database_.transaction([&]() -> Result<void> {
        for (const auto& name : volumes) TRY(erase("volumes", name));
        return erase("containers", container.id);
    });
}

Result<void> Records::upsert(const Container& container) {
    return upsert("containers", container.id, container.name, container.created, dump_json(encode(container)));
}
Result<void> Records::upsert(const Volume& volume) {
    return upsert("volumes", volume.name, volume.name, volume.created, dump_json(encode(volume)));
}

Result<std::vector<Volume>> Records::volumes() { return load<Volume>(database_, "volumes", decode_volume); }
Result<void> Records::put(const Volume& volume) {
    TRY(database_.use(Commits::synced));
    return upsert(volume);
}
Result<void> Records::erase_volume(const std::string& name) {
    TRY(database_.use(Commits::synced));
    return erase("volumes", name);
}

Result<std::vector<NetworkRecord>> Records::networks() {
    return load<NetworkRecord>(database_, "networks", decode_network);
}
Result<void> Records::put(const NetworkRecord& network) {
    TRY(database_.use(Commits::synced));
    return upsert("networks", network.id, network.name, network.created, dump_json(encode(network)));
}
Result<void> Records::erase_network(const std::string& id) {
    TRY(database_.use(Commits::synced));
    return erase("networks", id);
}

}  // namespace diatom::engine
