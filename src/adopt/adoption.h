// Takes what a RancherOS had into this machine, in a way that can be undone until it is confirmed. Its own disk is only
// read. Volumes and directories are copied to the state partition: what containers write then, the old disk does not
// see. Thread side: any; blocks; one at a time, others are told `conflict`.
//
//   ──> copying ──> taking ──> taken ──confirm()──>
//          │           └──────────┴──undo()──> leaving ──>
//          └──>
//
// A power cut in `copying` ends as if nothing had been asked for, in `taking` with `taken`, in `leaving` with nothing:
// settle() does what is left, at the next boot or before the next command.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "adopt/old_disk.h"
#include "adopt/record.h"
#include "adopt/survey.h"
#include "machine/store.h"

namespace diatom::adopt {

// The engine that gets the volumes.
struct EngineMeans {
    std::function<Result<std::vector<std::string>>()> volumes;                         // their names
    std::function<Result<std::vector<std::string>>(const std::string& volume)> users;  // containers that have it
    std::function<Result<void>(const OldVolume& volume)> create;                       // on a directory that is there
    std::function<Result<void>(const std::string& volume)> remove;
};

struct Machine {
    std::string state = "/var/lib/diatom";
    EngineMeans engine;
};

// What would be taken, from where, and what it costs.
struct Offer {
    OldDisk disk;
    Survey survey;
    std::uint64_t room = 0;  // that is free
};

class Adoption {
public:
    explicit Adoption(Machine machine) : machine_(std::move(machine)), records_(machine_.state + "/adopt") {}

    Result<std::optional<Record>> record() const { return records_.read(); }
    // Changes nothing. `without`: volumes that stay where they are. conflict: another adoption is not confirmed, or a
    // volume's name is taken; exhausted: no room; not_found: `without` names no volume.
    Result<Offer> offer(OldDisk disk, const std::set<std::string>& without) const;
    // What fails is undone.
    Result<Record> take(const Offer& offer) const;
    // not_found: there is nothing to confirm or undo. conflict: a container has one of the volumes.
    Result<Record> confirm() const;
    Result<Record> undo() const;
    // Brings one that was interrupted to its end. True when there was one.
    Result<bool> settle() const;

private:
    Result<Fd> lock() const;
    Result<bool> settle_locked() const;
    Result<void> require_free_names(const Survey& survey) const;
    Result<void> require_room(const Extent& extent, std::uint64_t room) const;
    Result<Record> begin(const Offer& offer) const;
    Result<void> copy(const Offer& offer) const;
    Result<void> copy_one(FdRef root, const std::string& from, const std::string& to) const;
    Result<void> complete(Record record) const;
    Result<void> leave(Record record) const;
    Result<void> remove_volumes(const Record& record) const;
    Result<void> sync() const;

    std::string staged(const std::string& what) const { return records_.directory() + "/staged/" + what; }
    std::string volume_directory(const std::string& name) const { return machine_.state + "/user/volumes/" + name; }
    std::string mark(const std::string& name) const { return volume_directory(name) + "/adopted"; }
    machine::Store store() const;

    Machine machine_;
    RecordFile records_;
};

}  // namespace diatom::adopt
