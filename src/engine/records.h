// What the engine remembers: ROOT/engine.db. Every call that changes something is durable when it returns.
//
// Order of writes, so that a crash at any point leaves a state that open() can repair:
//   create   volumes' directories → root file system → records of all of them at once (what has none is removed)
//   start    network, process set up → record "running" with pid and start time → the process is let go
//            (an engine that dies before the last step closes the control connection: the process exits by itself)
//   exit     record with the exit code → waiters and clients are told
//   remove   record "removing" → files, root file system, anonymous volumes → record deleted (repeated by open())
//
// Thread side: one thread at a time: a strand of the worker pool.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "db/database.h"
#include "engine/model.h"

namespace diatom::engine {

// A change is on the disk when it returns; but not that of a --rm container without volumes: of a machine that went
// down, the next boot would remove it.
class Records {
public:
    static Result<Records> open(const std::string& path);

    // The keys of a table ("containers", "volumes", "networks"), also of records that cannot be read.
    Result<std::vector<std::string>> ids(const char* table);
    Result<void> check();  // corrupt

    Result<std::vector<Container>> containers();  // oldest first; a record that cannot be read is logged and left out
    Result<void> put(const Container& container);
    // A container and volumes that it uses, or that go with it: all of them or none.
    Result<void> put(const Container& container, const std::vector<Volume>& volumes);
    Result<void> erase(const Container& container, const std::vector<std::string>& volumes);

    Result<std::vector<Volume>> volumes();
    Result<void> put(const Volume& volume);
    Result<void> erase_volume(const std::string& name);

    Result<std::vector<NetworkRecord>> networks();
    Result<void> put(const NetworkRecord& network);
    Result<void> erase_network(const std::string& id);

private:
    explicit Records(db::Database database) : database_(std::move(database)) {}
    Result<void> upsert(const char* table, const std::string& id, const std::string& name, std::int64_t created,
                        const std::string& document);
    Result<void> upsert(const Container& container);
    Result<void> upsert(const Volume& volume);
    Result<void> erase(const char* table, const std::string& id);
    db::Database database_;
};

}  // namespace diatom::engine
