// "user[:group]" against a container's own databases. Numbers need no entry; names do. What Docker does, and says.
#include <fcntl.h>

#include <algorithm>

#include "base/strings.h"
#include "runtime/runtime.h"
#include "sys/file.h"

namespace diatom::runtime {
namespace {

constexpr std::int64_t kMaxId = 2147483647;  // Docker's limit
constexpr std::size_t kMaxDatabase = 8U << 20U;

struct PasswdEntry {
    std::string_view name;
    std::int64_t uid = 0, gid = 0;
};
struct GroupEntry {
    std::string_view name;
    std::int64_t gid = 0;
    std::vector<std::string_view> members;
};

// A container need not have these files; one that is no regular file (a FIFO would block us) counts as absent.
Result<std::string> read_database(FdRef root, const std::string& path) {
    auto file = sys::open_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!file) return std::string();
    struct stat status{};
    if (::fstat(file->raw(), &status) < 0 || !S_ISREG(status.st_mode)) return std::string();
    return TRY(sys::read_all(*file, kMaxDatabase), "{}", path);
}

std::vector<PasswdEntry> parse_passwd(std::string_view text) {
    std::vector<PasswdEntry> entries;
    for (const auto line : split(text, '\n')) {
        const auto fields = split(trim(line), ':');
        if (fields.size() < 4) continue;
        const auto uid = parse_int(fields[2]);
        const auto gid = parse_int(fields[3]);
        if (uid && gid) entries.push_back({.name = fields[0], .uid = *uid, .gid = *gid});
    }
    return entries;
}

std::vector<GroupEntry> parse_group(std::string_view text) {
    std::vector<GroupEntry> entries;
    for (const auto line : split(text, '\n')) {
        const auto fields = split(trim(line), ':');
        if (fields.size() < 3) continue;
        const auto gid = parse_int(fields[2]);
        if (!gid) continue;
        entries.push_back({.name = fields[0], .gid = *gid});
        if (fields.size() > 3) entries.back().members = split(fields[3], ',');
    }
    return entries;
}

Result<std::uint32_t> checked_id(std::int64_t id) {
    if (id < 0 || id > kMaxId) return fail(Kind::invalid, "uids and gids must be in range 0-{}", kMaxId);
    return static_cast<std::uint32_t>(id);
}

// What is written as a number is never looked up as a name, however large it is: an image could say in its passwd that
// somebody of that name is root (CVE-2016-3697, CVE-2024-40635, CVE-2026-46680).
std::optional<std::int64_t> number_of(std::string_view text) {
    const auto digits = text.substr(text.starts_with('-') || text.starts_with('+') ? 1 : 0);
    const bool all = std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
    if (digits.empty() || !all) return std::nullopt;
    return parse_int(text).value_or(-1);
}

Result<std::uint32_t> find_group(const std::vector<GroupEntry>& groups, std::string_view wanted) {
    if (const auto number = number_of(wanted)) return checked_id(*number);
    if (const auto found = std::ranges::find(groups, wanted, &GroupEntry::name); found != groups.end()) {
        return checked_id(found->gid);
    }
    return fail(Kind::not_found, "unable to find group {}: no matching entries in group file", wanted);
}

void add_group(User& user, std::uint32_t gid) {
    if (!std::ranges::contains(user.additional_gids, gid)) user.additional_gids.push_back(gid);
}

}  // namespace

Result<User> resolve_user(FdRef root, const std::string& user, const std::vector<std::string>& extra_groups) {
    const auto halves = cut(user, ':');
    const std::string_view wanted = halves ? halves->first : user;
    const std::string_view wanted_group = halves ? halves->second : "";
    const std::string passwd_text = TRY(read_database(root, "/etc/passwd"));
    const std::string group_text = TRY(read_database(root, "/etc/group"));
    const auto passwd = parse_passwd(passwd_text);
    const auto groups = parse_group(group_text);

    const auto number = wanted.empty() ? std::optional<std::int64_t>(0) : number_of(wanted);
    const auto entry = number ? std::ranges::find(passwd, *number, &PasswdEntry::uid)
                              : std::ranges::find(passwd, wanted, &PasswdEntry::name);
    User found;
    if (entry != passwd.end()) {
        found.uid = TRY(checked_id(entry->uid));
        found.gid = TRY(checked_id(entry->gid));
    } else if (number) {
        found.uid = TRY(checked_id(*number));
    } else {
        return fail(Kind::not_found, "unable to find user {}: no matching entries in passwd file", wanted);
    }
    if (!wanted_group.empty()) found.gid = TRY(find_group(groups, wanted_group));
    // The primary group is listed too: a file that denies it stays closed to a process that
    // drops it (CVE-2022-36109).
    add_group(found, found.gid);
    if (wanted_group.empty() && entry != passwd.end()) {
        for (const auto& group : groups) {
            if (std::ranges::contains(group.members, entry->name)) add_group(found, TRY(checked_id(group.gid)));
        }
    }
    for (const auto& extra : extra_groups) add_group(found, TRY(find_group(groups, extra)));
    return found;
}

}  // namespace diatom::runtime
