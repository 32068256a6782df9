#include "configure/first_boot.h"

#include <sys/stat.h>

#include <algorithm>
#include <format>

#include "base/strings.h"
#include "configure/accounts.h"
#include "sys/file.h"

namespace diatom::configure {
namespace {

constexpr std::string_view kThere = "is there already, and overwrite is false";

class Obstacles {
public:
    Obstacles(const Value& machine, const Root& root) : machine_(machine), root_(root), image_(image_accounts(root)) {}

    std::vector<std::string> find() {
        for (const auto& [path, said] : machine_.at("files").members()) {
            if (const auto why = in_the_way(path, said); !why.empty())
                add(said, std::format("files.\"{}\"", path), why);
        }
        for (const auto& [name, said] : machine_.at("users").members()) check_user(name, said);
        for (const auto& [name, said] : machine_.at("groups").members()) check_group(name, said);
        return std::move(found_);
    }

private:
    void add(const Value& at, const std::string& path, std::string_view why) {
        found_.push_back(at.error(path, why).error().what());
    }

    std::string_view in_the_way(const std::string& path, const Value& said) const {
        const auto place = root_.at(path);
        struct stat there{};
        if (said.boolean_of("overwrite") || ::lstat(place.c_str(), &there) < 0) return {};
        const auto kind = said.text_of("kind", "file");
        if (kind == "directory") return S_ISDIR(there.st_mode) ? "" : "is there already, and no directory";
        if (kind == "symlink") return sys::read_link(place).value_or("") == said.text_of("target") ? "" : kThere;
        if (kind == "hardlink") {
            const auto target = sys::stat_path(root_.at(said.text_of("target")));
            return target && target->st_ino == there.st_ino && target->st_dev == there.st_dev ? "" : kThere;
        }
        if (!S_ISREG(there.st_mode)) return "is there already, and no file";
        return said.boolean_of("append") || holds(place, said) ? "" : kThere;
    }

    bool holds(const std::string& place, const Value& said) const {
        const auto there = sys::read_file(place);
        if (!there) return false;
        if (said.has("source")) {
            const auto kept = sys::read_file(kept_file(root_, said.text_of("source"), said.text_of("digest")));
            return kept && *kept == *there;
        }
        if (said.has("content_base64")) return decode_base64(said.text_of("content_base64")) == *there;
        return said.at("content").scalar_text() == *there;
    }

    // Of the image, the configuration, or a user who has one of their own.
    bool has_group(const std::string& name) const {
        const auto& groups = machine_.at("groups");
        if (groups.has(name)) return !groups.at(name).boolean_of("absent");
        const auto* user = machine_.at("users").find(name);
        return image_.find_group(name) != nullptr ||
               (user != nullptr && !user->boolean_of("absent") && !user->has("group"));
    }

    void check_user(const std::string& name, const Value& said) {
        const auto path = "users." + name;
        if (said.has("group") && !has_group(said.text_of("group")))
            add(said.at("group"), path + ".group", "there is no such group");
        for (const auto& group : said.at("groups").items())
            if (!has_group(group.text())) add(group, path + ".groups", "there is no such group");
        const auto& uid = said.at("uid");
        const bool theirs = std::ranges::any_of(image_.users, [&](const User& user) {
            return user.name != name && user.uid == uid.integer() && !is_absent("users", user.name);
        });
        if (!uid.is_null() && (theirs || others_have("users", name, "uid", uid)))
            add(uid, path + ".uid", "is another user's");
    }

    void check_group(const std::string& name, const Value& said) {
        const auto& gid = said.at("gid");
        const bool theirs = std::ranges::any_of(image_.groups, [&](const Group& group) {
            return group.name != name && group.gid == gid.integer() && !is_absent("groups", group.name);
        });
        if (!gid.is_null() && (theirs || others_have("groups", name, "gid", gid)))
            add(gid, std::format("groups.{}.gid", name), "is another group's");
    }

    bool is_absent(std::string_view kind, const std::string& name) const {
        return machine_.at(kind).at(name).boolean_of("absent");
    }

    bool others_have(std::string_view kind, const std::string& name, std::string_view key, const Value& id) const {
        return std::ranges::any_of(machine_.at(kind).members(), [&](const Member& other) {
            return other.first != name && other.second.at(key) == id;
        });
    }

    const Value& machine_;
    const Root& root_;
    const Accounts image_;
    std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> obstacles_of(const Value& machine, const Root& root) {
    return Obstacles(machine, root).find();
}

}  // namespace diatom::configure
