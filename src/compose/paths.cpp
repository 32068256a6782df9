#include "compose/paths.h"

#include <vector>

#include "base/strings.h"

namespace diatom::compose {
namespace {

void set_text(Value& value, std::string text) {
    auto made = Value::of(std::move(text));
    made.set_mark(value.mark());
    value = std::move(made);
}

void resolve_file(Value& value, const Base& base) {
    if (value.is_text() && !value.text().empty()) set_text(value, absolute_path(value.text(), base));
}

// Git repositories, archives, images and other services are no directories.
bool is_remote(std::string_view text) {
    return text.contains("://") || text.starts_with("git@") || text.starts_with("github.com/") ||
           text.starts_with("service:");
}

void resolve_context(Value& value, const Base& base) {
    if (value.is_text() && !is_remote(value.text())) resolve_file(value, base);
}

void resolve_device(Value& volume, const Base& base) {
    auto* options = volume.find("driver_opts");
    if (options == nullptr || volume.text_of("driver") != "local" || options->text_of("o") != "bind") return;
    if (auto* device = options->find("device")) resolve_file(*device, base);
}

void resolve_here(Value& value, Path path, const Base& base) {
    switch (path) {
        case Path::none: return;
        case Path::file: resolve_file(value, base); return;
        case Path::context: resolve_context(value, base); return;
        case Path::bind_source:
            if (auto* source = value.find("source"); source != nullptr && value.text_of("type") == "bind") {
                resolve_file(*source, base);
            }
            return;
        case Path::bind_device: resolve_device(value, base); return;
    }
}

}  // namespace

std::string clean_path(std::string_view path) {
    const bool absolute = path.starts_with('/');
    std::vector<std::string> parts;
    for (const auto part : split(path, '/')) {
        if (part.empty() || part == ".") continue;
        if (part != "..") parts.emplace_back(part);
        else if (!parts.empty() && parts.back() != "..") parts.pop_back();
        else if (!absolute) parts.emplace_back(part);
    }
    const auto text = (absolute ? "/" : "") + join(parts, "/");
    return text.empty() ? "." : text;
}

std::string absolute_path(std::string_view path, const Base& base) {
    if (path == "~" || path.starts_with("~/")) {
        if (!base.home.empty()) return clean_path(base.home + std::string(path.substr(1)));
    }
    // What is absolute already stays as it is written.
    if (path.starts_with('/')) return std::string(path);
    return clean_path(base.directory + "/" + std::string(path));
}

std::string parent_directory(std::string_view path) {
    const auto halves = cut_last(path, '/');
    if (!halves) return ".";
    return halves->first.empty() ? "/" : std::string(halves->first);
}

void resolve_paths(Value& value, const Type& type, const Base& base) {
    if (type.form == Form::pairs) {
        if (type.path == Path::none || !value.is_map()) return;
        for (auto& [key, member] : value.members()) resolve_here(member, type.path, base);
        return;
    }
    resolve_here(value, type.path, base);
    if (type.form == Form::list) {
        for (auto& item : value.items()) resolve_paths(item, *type.item, base);
    }
    if (!value.is_map()) return;
    for (auto& [key, member] : value.members()) {
        if (const auto* below = member_type(type, key)) resolve_paths(member, *below, base);
    }
}

}  // namespace diatom::compose
