// Where a container's record lies: ROOT/ID/config.json, which is written once, and state.json, both written atomically;
// beside them the socket at which its init waits to be started. Commands that change a container hold its lock; those
// that only look do not. Thread side: any.
//
// A `create` that is killed leaves nothing that runs: until it hands its init over to the socket, the init ends with
// it. What it leaves of the directory is taken over by the next create when it has no record yet, else it counts as
// stopped.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "oci/record.h"

namespace diatom::oci {

enum class Lock : std::uint8_t { none, exclusive };

class StateDir {
public:
    // invalid: no name for a container; conflict: there is one.
    static Result<StateDir> create(const std::string& root, const std::string& id);
    static Result<StateDir> open(const std::string& root, const std::string& id, Lock lock);
    static Result<std::vector<std::string>> list(const std::string& root);  // sorted

    Result<Record> read() const;
    Result<void> write_spec(const runtime::Spec& spec) const;  // before the first write()
    Result<void> write(const Record& record) const;            // all but the spec
    Result<void> remove() const;
    std::string start_socket() const { return path_ + "/start.sock"; }
    // Between two changes of one command; false: somebody has removed it meanwhile.
    void unlock() const noexcept;
    Result<bool> lock_again() const;
    // Somebody else changes it at this moment.
    bool busy() const;

private:
    Result<Json> read_document(const std::string& name) const;
    StateDir(std::string path, std::string id, Fd dir)
        : path_(std::move(path)), id_(std::move(id)), dir_(std::move(dir)) {}
    std::string path_, id_;
    Fd dir_;
};

// What the container is doing now.
Result<Status> current_status(const StateDir& dir, const Record& record);

}  // namespace diatom::oci
