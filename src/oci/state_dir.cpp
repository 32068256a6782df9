#include "oci/state_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/strings.h"
#include "sys/cgroup.h"
#include "sys/file.h"
#include "sys/retry.h"
#include "sys/socket.h"

namespace diatom::oci {
namespace {

constexpr std::size_t kLongestId = 255;  // a name in a directory

Result<void> check_id(const std::string& id) {
    constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+.-";
    if (!id.empty() && id.size() <= kLongestId && id != "." && id != ".." &&
        id.find_first_not_of(kLetters) == std::string::npos) {
        return {};
    }
    return fail(Kind::invalid,
                "\"{}\" is no container ID: it must be of letters, digits, \"_\", \"+\", \".\" and \"-\"", id);
}

Failure absent(const std::string& id) { return fail(Kind::not_found, "container \"{}\" does not exist", id); }

bool is_removed(FdRef dir) noexcept {
    struct stat status{};
    return ::fstat(dir.raw(), &status) < 0 || status.st_nlink == 0;
}

bool try_lock(FdRef dir) noexcept {
    return sys::retry_interrupted([&] { return ::flock(dir.raw(), LOCK_EX | LOCK_NB); }) == 0;
}

Result<void> wait_for_lock(FdRef dir, const std::string& path) {
    if (sys::retry_interrupted([&] { return ::flock(dir.raw(), LOCK_EX); }) < 0)
        return fail_errno(errno, "lock {}", path);
    return {};
}

// Nobody listens at the socket of a container whose init has executed its program, or is gone.
bool waits_for_start(const StateDir& dir) {
    return static_cast<bool>(sys::connect_unix(dir.start_socket(), sys::SocketType::packet));
}

bool is_frozen(const std::string& cgroup) {
    const auto group = cgroup.empty() ? Failure(Error(Kind::not_found, "no cgroup")) : sys::Cgroup::open(cgroup);
    if (!group) return false;
    const auto frozen = group->get("cgroup.freeze");
    return frozen && trim(*frozen) == "1";
}

}  // namespace

Result<StateDir> StateDir::create(const std::string& root, const std::string& id) {
    TRY(check_id(id));
    TRY(sys::make_dirs(root, 0711), "state directory");
    const std::string path = std::format("{}/{}", root, id);
    for (;;) {
        if (::mkdir(path.c_str(), 0700) < 0 && errno != EEXIST) return fail_errno(errno, "make {}", path);
        auto dir = sys::open_path(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (!dir && dir.error().error_number() == ENOENT) continue;  // removed meanwhile
        if (!dir) return forward_error(std::move(dir));
        if (!try_lock(*dir) || sys::exists(path + "/state.json")) {
            return fail(Kind::conflict,
                        "container with given ID already exists: \"{}\": delete it first, or use another ID", id);
        }
        if (!is_removed(*dir)) return StateDir(path, id, std::move(*dir));
    }
}

Result<StateDir> StateDir::open(const std::string& root, const std::string& id, Lock lock) {
    TRY(check_id(id));
    const std::string path = std::format("{}/{}", root, id);
    auto dir = sys::open_path(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!dir && dir.error().error_number() == ENOENT) return absent(id);
    if (!dir) return forward_error(std::move(dir));
    if (lock == Lock::exclusive) TRY(wait_for_lock(*dir, path));
    if (is_removed(*dir) || !sys::exists(path + "/state.json")) return absent(id);
    return StateDir(path, id, std::move(*dir));
}

Result<std::vector<std::string>> StateDir::list(const std::string& root) {
    std::vector<std::string> ids;
    if (!sys::exists(root)) return ids;
    for (const auto& name : TRY(sys::list_dir(root))) {
        if (check_id(name) && sys::exists(std::format("{}/{}/state.json", root, name))) ids.push_back(name);
    }
    std::ranges::sort(ids);
    return ids;
}

Result<Json> StateDir::read_document(const std::string& name) const {
    const auto path = std::format("{}/{}", path_, name);
    auto text = sys::read_file(path);
    if (!text && text.error().error_number() == ENOENT) return absent(id_);
    return parse_json(TRY(std::move(text)), path);
}

Result<Record> StateDir::read() const {
    const Json state = TRY(read_document("state.json"));
    auto spec = TRY(runtime::decode_spec(TRY(read_document("config.json"))), "{}/config.json", path_);
    return TRY(decode_record(state, std::move(spec)), "{}/state.json", path_);
}

Result<void> StateDir::write_spec(const runtime::Spec& spec) const {
    return sys::replace_file(path_ + "/config.json", dump_json(runtime::encode(spec)), 0600);
}

Result<void> StateDir::write(const Record& record) const {
    return sys::replace_file(path_ + "/state.json", dump_json(encode(record)), 0600);
}

// The record goes last: what is cut short can be removed again.
Result<void> StateDir::remove() const {
    TRY(sys::remove_file(start_socket()));
    TRY(sys::remove_file(path_ + "/state.json"));
    return sys::remove_tree(path_);
}

void StateDir::unlock() const noexcept { ::flock(dir_.raw(), LOCK_UN); }

Result<bool> StateDir::lock_again() const {
    TRY(wait_for_lock(dir_, path_));
    return !is_removed(dir_);
}

// Through a descriptor of its own: a lock belongs to what was opened, and ours may hold it.
bool StateDir::busy() const {
    const auto other = sys::open_path(path_, O_RDONLY | O_DIRECTORY);
    return other && !try_lock(*other);
}

Result<Status> current_status(const StateDir& dir, const Record& record) {
    if (record.process.pid == 0) return dir.busy() ? Status::creating : Status::stopped;
    const auto state = sys::process_state(record.process.pid);
    if (!state || *state == 'Z' || *state == 'X') return Status::stopped;
    const auto start = sys::start_time(record.process.pid);
    if (!start || *start != record.process.start_time) return Status::stopped;
    if (is_frozen(record.spec.cgroup)) return Status::paused;
    // A `start` that was killed may have told the init to go without telling the record.
    if (record.status == Status::created && !waits_for_start(dir)) return Status::running;
    return record.status;
}

}  // namespace diatom::oci
