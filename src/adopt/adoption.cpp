#include "adopt/adoption.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <format>

#include "base/strings.h"
#include "document/yaml_reader.h"
#include "machine/check.h"
#include "machine/layers.h"
#include "machine/store.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/tree_copy.h"

namespace diatom::adopt {
namespace {

constexpr std::uint64_t kSpare = 32U << 20U;  // bytes that stay free
constexpr mode_t kDirectory = 0755;

// Never in the place of something that is there.
Result<void> put_in_place(const std::string& from, const std::string& to) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) < 0)
        return fail_errno(errno, "move {} to {}", from, to);
    return {};
}

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

Result<Value> document_of(const std::string& text) { return machine::read_document(text, "record of an adoption"); }

}  // namespace

machine::Store Adoption::store() const { return machine::Store(machine_.state + "/config"); }

Result<Fd> Adoption::lock() const {
    auto directory = TRY(sys::open_path(machine_.state, O_RDONLY | O_DIRECTORY));
    if (::flock(directory.raw(), LOCK_EX | LOCK_NB) == 0) return directory;
    if (errno == EWOULDBLOCK) return fail(Kind::conflict, "another `diatom adopt` is at work: wait for its end");
    return fail_errno(errno, "lock {}", machine_.state);
}

Result<void> Adoption::sync() const {
    const auto directory = TRY(sys::open_path(machine_.state, O_RDONLY | O_DIRECTORY));
    if (::syncfs(directory.raw()) < 0) return fail_errno(errno, "write {} to the disk", machine_.state);
    return {};
}

Result<void> Adoption::require_free_names(const Survey& survey) const {
    const auto known = TRY(machine_.engine.volumes(), "ask the engine for its volumes");
    std::vector<std::string> taken;
    for (const auto& found : survey.volumes) {
        const auto& name = found.volume.name;
        if (std::ranges::contains(known, name) || sys::exists(volume_directory(name))) taken.push_back(name);
    }
    if (taken.empty()) return {};
    return fail(Kind::conflict,
                "volumes of these names are here already: {}; leave those of the old disk where they are with "
                "--without NAME, or remove the ones that are here with `docker volume rm`",
                join(taken, ", "));
}

Result<void> Adoption::require_room(const Extent& extent, std::uint64_t room) const {
    struct statfs about{};
    if (::statfs(machine_.state.c_str(), &about) < 0) return fail_errno(errno, "ask {} for room", machine_.state);
    const auto needed = extent.bytes + kSpare;
    if (needed > room)
        return fail(
            Kind::exhausted,
            "the copies take {}, and {} of {} are free ({} are to stay so): make the state partition larger, or "
            "leave a volume where it is with --without NAME",
            format_bytes(extent.bytes), format_bytes(room), machine_.state, format_bytes(kSpare));
    if (about.f_files != 0 && extent.files > about.f_ffree)
        return fail(Kind::exhausted,
                    "the copies are {} files, and {} has room for {}: leave a volume where it is with "
                    "--without NAME",
                    extent.files, machine_.state, std::uint64_t{about.f_ffree});
    return {};
}

Result<Offer> Adoption::offer(OldDisk disk, const std::set<std::string>& without) const {
    const auto locked = TRY(lock());
    TRY(settle_locked());
    if (const auto earlier = TRY(records_.read()))
        return fail(Kind::conflict,
                    "what RancherOS had on {} is taken and not confirmed: `diatom adopt confirm` or "
                    "`diatom adopt undo` comes first",
                    earlier->device);
    Offer offer{.disk = std::move(disk), .survey = {}, .room = 0};
    offer.survey = TRY(survey(offer.disk.root), "{}", offer.disk.device);
    for (const auto& name : without) {
        const auto gone = std::erase_if(offer.survey.volumes, [&](const auto& v) { return v.volume.name == name; });
        if (gone == 0) return fail(Kind::not_found, "--without {}: {} has no such volume", name, offer.disk.device);
        offer.survey.left.push_back({"volume " + name, "you said so"});
    }
    // Of one file system, they are where they shall be.
    if (offer.disk.is_state) offer.survey.entries.clear();
    std::erase_if(offer.survey.entries, [&](const FoundEntry& entry) {
        if (!sys::exists(machine_.state + "/" + entry.path)) return false;
        offer.survey.left.push_back({"/" + entry.path, "there is one here already"});
        return true;
    });
    TRY(require_free_names(offer.survey));
    offer.room = TRY(sys::free_space(machine_.state)).free;
    TRY(require_room(offer.survey.extent(), offer.room));
    return offer;
}

Result<Record> Adoption::begin(const Offer& offer) const {
    const auto before = TRY(store().own());
    const auto after = machine::merge(before, offer.survey.configuration);
    // What could not be written in the end, or not be put back, is known before anything is copied.
    TRY(machine::require_valid(before));
    TRY(machine::require_valid(after));
    Record record{.phase = Phase::copying,
                  .device = offer.disk.device,
                  .uuid = offer.disk.uuid,
                  .at = sys::format_rfc3339(sys::wall_ns()),
                  .before = to_yaml(before),
                  .after = to_yaml(after),
                  .volumes = {},
                  .entries = {}};
    for (const auto& found : offer.survey.volumes) record.volumes.push_back(found.volume);
    for (const auto& entry : offer.survey.entries) record.entries.push_back(entry.path);
    TRY(records_.write(record), "remember the adoption");
    return record;
}

Result<void> Adoption::copy_one(FdRef root, const std::string& from, const std::string& to) const {
    TRY(sys::make_dirs(to, kDirectory));
    if (from.empty()) return {};
    const auto source = TRY(sys::open_in_root(root, from, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    const auto copy = TRY(sys::open_path(to, O_RDONLY | O_DIRECTORY));
    return sys::copy_tree(source, copy, sys::Attributes::all);
}

Result<void> Adoption::copy(const Offer& offer) const {
    for (const auto& found : offer.survey.volumes) {
        const auto directory = staged("volumes/" + found.volume.name);
        TRY(copy_one(offer.disk.root, found.path, directory + "/_data"), "copy the volume {}", found.volume.name);
        TRY(sys::write_file(directory + "/adopted", offer.disk.uuid + "\n", 0600));
    }
    for (const auto& entry : offer.survey.entries)
        TRY(copy_one(offer.disk.root, entry.path, staged(entry.path)), "copy /{}", entry.path);
    return sync();
}

Result<Record> Adoption::take(const Offer& offer) const {
    const auto locked = TRY(lock());
    auto record = TRY(begin(offer));
    auto done = copy(offer);
    if (done) {
        record.phase = Phase::taking;
        done = records_.write(record);
    }
    if (done) done = complete(record);
    if (done) return TRY(records_.read()).value_or(record);
    auto back = leave(record);
    if (!back)
        return fail(done.error().kind(), "{}; and what was done of it is still there ({}): `diatom adopt undo`",
                    done.error().what(), back.error().what());
    return Failure(std::move(done).error().in("nothing is taken"));
}

// Each step is done or is not, and says which when it is come to again.
Result<void> Adoption::complete(Record record) const {
    for (const auto& volume : record.volumes) {
        const auto from = staged("volumes/" + volume.name), to = volume_directory(volume.name);
        TRY(sys::make_dirs(parent_of(to)));
        if (sys::exists(from)) TRY(put_in_place(from, to));
        TRY(machine_.engine.create(volume), "make the volume {}", volume.name);
    }
    for (const auto& entry : record.entries) {
        const auto from = staged(entry), to = machine_.state + "/" + entry;
        TRY(sys::make_dirs(parent_of(to)));
        if (sys::exists(from)) TRY(put_in_place(from, to));
    }
    const auto after = TRY(document_of(record.after));
    if (TRY(store().own()) != after) TRY(store().write(after, std::format("adopt RancherOS of {}", record.device)));
    TRY(sync());
    record.phase = Phase::taken;
    return records_.write(record);
}

Result<void> Adoption::remove_volumes(const Record& record) const {
    if (record.volumes.empty()) return {};
    const auto known = TRY(machine_.engine.volumes(), "ask the engine for its volumes");
    for (const auto& volume : record.volumes) {
        if (!sys::exists(mark(volume.name))) continue;
        if (std::ranges::contains(known, volume.name)) TRY(machine_.engine.remove(volume.name));
        TRY(sys::remove_tree(volume_directory(volume.name)), "remove the volume {}", volume.name);
    }
    return {};
}

// Only what came from here goes: what bears our mark, and what is no longer staged.
Result<void> Adoption::leave(Record record) const {
    if (record.phase != Phase::leaving) {
        const bool moved = record.phase != Phase::copying;
        const auto own = TRY(store().own());
        record.restore = record.phase == Phase::taken ? own != TRY(document_of(record.before))
                                                      : moved && own == TRY(document_of(record.after));
        std::erase_if(record.volumes, [&](const auto& volume) { return !sys::exists(mark(volume.name)); });
        std::erase_if(record.entries, [&](const auto& entry) { return !moved || sys::exists(staged(entry)); });
        record.phase = Phase::leaving;
        TRY(records_.write(record));
    }
    TRY(remove_volumes(record));
    for (const auto& entry : record.entries) TRY(sys::remove_tree(machine_.state + "/" + entry));
    if (record.restore) {
        const auto before = TRY(document_of(record.before));
        if (TRY(store().own()) != before)
            TRY(store().write(before, std::format("undo the adoption of RancherOS of {}", record.device)));
    }
    TRY(sync());
    return records_.remove();
}

Result<Record> Adoption::confirm() const {
    const auto locked = TRY(lock());
    TRY(settle_locked());
    const auto record = TRY(records_.read());
    if (!record) return fail(Kind::not_found, "nothing waits to be confirmed: `diatom adopt rancheros` begins it");
    TRY(records_.remove());
    for (const auto& volume : record->volumes) TRY(sys::remove_file(mark(volume.name)));
    return *record;
}

Result<Record> Adoption::undo() const {
    const auto locked = TRY(lock());
    const auto record = TRY(records_.read());
    if (!record) return fail(Kind::not_found, "nothing is adopted that is not confirmed yet");
    std::vector<std::string> used;
    for (const auto& volume : record->volumes) {
        if (!sys::exists(mark(volume.name))) continue;
        for (const auto& user : TRY(machine_.engine.users(volume.name)))
            used.push_back(std::format("{} has {}", user, volume.name));
    }
    if (!used.empty())
        return fail(Kind::conflict, "containers have volumes that would go: {}; `docker rm -f` them first",
                    join(used, ", "));
    TRY(leave(*record));
    return *record;
}

Result<bool> Adoption::settle_locked() const {
    const auto record = TRY(records_.read());
    if (!record || record->phase == Phase::taken) return false;
    TRY(record->phase == Phase::taking ? complete(*record) : leave(*record), "end what was interrupted ({})",
        to_string(record->phase));
    return true;
}

Result<bool> Adoption::settle() const {
    const auto locked = TRY(lock());
    return settle_locked();
}

}  // namespace diatom::adopt
