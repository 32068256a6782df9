// write_files, and RancherOS's. Source: cloud-init 25.2, "Write Files", and cloudinit/config/cc_write_files.py.
#include <algorithm>
#include <array>
#include <filesystem>

#include "base/strings.h"
#include "cloud/draft.h"
#include "cloud/gzip.h"
#include "cloud/user_data.h"

namespace diatom::cloud {
namespace {

constexpr std::array kKeys{
    Known{"path"},
    Known{"content"},
    Known{"source"},
    Known{"owner"},
    Known{"permissions"},
    Known{"encoding"},
    Known{"append"},
    Known{"defer"},
    Known{"container", "files are written into the system, not into a container: mount the path into the service"},
};
constexpr std::array kSourceKeys{
    Known{"uri"},
    Known{"headers", "no headers are sent with what is fetched: put what is needed into the URL, or the content here"},
};

// The number 644 without quotes is none of octal digits to cloud-init: mode 1204. Who writes it means 0644.
std::optional<std::string> mode_of(const Section& file) {
    const auto* value = file.find("permissions");
    if (value == nullptr) return std::nullopt;
    if (value->type() == Value::Type::integer) {
        const auto number = value->integer();
        const auto decimal = std::to_string(number);
        const bool octal_digits = std::ranges::all_of(decimal, [](char c) { return c >= '0' && c <= '7'; });
        if (number > 0777 && octal_digits && decimal.size() <= 4) {
            file.bad("permissions",
                     std::format("a number without quotes: taken for \"0{}\", as it must have been meant", decimal));
            return std::format("{:0>4}", decimal);
        }
        if (number >= 0 && number <= 07777) return std::format("{:04o}", number);
    } else if (auto text = file.text("permissions")) {
        if (text->starts_with("0o")) text->erase(0, 2);
        const bool octal = !text->empty() && std::ranges::all_of(*text, [](char c) { return c >= '0' && c <= '7'; });
        const auto first = std::min(text->find_first_not_of('0'), text->size());
        if (octal && text->size() - first <= 4) return std::format("{:0>4}", text->substr(first));
    }
    file.bad("permissions", "must be an octal mode such as \"0644\", which is taken instead");
    return std::nullopt;
}

bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto c = static_cast<unsigned char>(text[i]);
        const std::size_t more = c < 0x80                ? 0
                                 : c >= 0xc2 && c < 0xe0 ? 1
                                 : c >= 0xe0 && c < 0xf0 ? 2
                                 : c < 0xf5              ? 3
                                                         : 9;
        if (c == 0 || (c >= 0x80 && c < 0xc2) || more == 9 || i + more >= text.size()) return false;
        for (std::size_t k = 1; k <= more; ++k) {
            if ((static_cast<unsigned char>(text[i + k]) & 0xc0U) != 0x80) return false;
        }
        i += more + 1;
    }
    return true;
}

// The bytes, or why there are none: without what stands there, which may be a secret.
std::optional<std::string> content_of(const Section& file) {
    auto content = file.text("content");
    if (!content) return file.has("content") ? std::nullopt : std::optional<std::string>("");
    const auto encoding = to_lower(trim(file.text("encoding").value_or("")));
    const bool zipped = encoding.starts_with("gz");
    const auto rest = zipped ? encoding.substr(encoding.starts_with("gzip") ? 4 : 2) : encoding;
    const auto packed = std::string_view(rest).substr(zipped && rest.starts_with('+') ? 1 : 0);
    const bool base64 = packed == "b64" || packed == "base64";
    if (!base64 && !packed.empty() && packed != "text/plain") {
        file.bad("encoding", "must be text/plain, b64, base64, gz, gzip, or gz or gzip with +b64 or +base64");
        return std::nullopt;
    }
    if (base64) {
        std::string text;
        std::ranges::copy_if(*content, std::back_inserter(text), [](char c) { return c < 0 || c > ' '; });
        content = decode_base64(text);
        if (!content) file.bad("content", "is not base64");
    }
    if (content && zipped) {
        auto plain = gunzip(*content, kMaxUserData);
        if (!plain) {
            file.bad("content", plain.error().what());
            return std::nullopt;
        }
        content = std::move(*plain);
    }
    return content;
}

void set_content(Value& entry, std::string content, const Value& from) {
    entry.erase("content");
    entry.erase("content_base64");
    if (is_utf8(content)) entry.set("content", placed(Value::of(std::move(content)), from));
    else entry.set("content_base64", placed(Value::of(encode_base64(content)), from));
}

std::string content_in(const Value& entry) {
    if (const auto* packed = entry.find("content_base64")) return decode_base64(packed->text()).value_or("");
    return entry.text_of("content");
}

std::optional<std::string> path_of(const Section& file) {
    const auto text = file.text("path");
    if (!text || text->empty()) {
        file.notes().bad(file.value(), file.path(), "a path is missing");
        return std::nullopt;
    }
    if (!text->starts_with('/')) {
        file.bad("path", "must be absolute");
        return std::nullopt;
    }
    auto normal = std::filesystem::path(*text).lexically_normal().string();
    while (normal.starts_with("//")) normal.erase(0, 1);
    return normal;
}

// "user:group", where either may be left out.
void read_owner(const Section& file, Value& entry) {
    const auto owner = file.text("owner");
    if (!owner) return;
    const auto& from = *file.find("owner");
    const auto halves = cut(*owner, ':');
    const auto user = trim(halves ? halves->first : std::string_view(*owner));
    if (!user.empty()) entry.set("owner", placed(Value::of(user), from));
    if (halves && !trim(halves->second).empty()) entry.set("group", placed(Value::of(trim(halves->second)), from));
}

bool read_source(const Section& file, Value& entry) {
    const auto source = file.below("source");
    if (!source) return false;
    source->expect(kSourceKeys);
    const auto uri = source->text("uri");
    if (!uri || uri->empty()) {
        file.notes().bad(source->value(), source->path(), "a uri is missing");
        return false;
    }
    entry.set("source", placed(Value::of(*uri), *source->find("uri")));
    if (file.has("content")) file.refuse("content", "a file has one source: what is fetched, and this is left out");
    return true;
}

void read_file(const Section& file, Draft& draft) {
    if (!file.expect(kKeys)) return;
    const auto path = path_of(file);
    if (!path) return;
    auto entry = placed(Value::map(), file.value());
    const bool appends = file.flag("append").value_or(false);
    if (!read_source(file, entry)) {
        auto content = content_of(file);
        if (!content) return;
        const auto* from = file.find("content");
        const auto* before = draft.document.at("files").find(*path);
        // What is added to a file of this very document is a part of it.
        if (appends && before != nullptr && !before->has("source")) {
            entry = *before;
            content = content_in(entry) + *content;
        } else if (appends) {
            entry.set("append", placed(Value::of(true), *file.find("append")));
        }
        set_content(entry, std::move(*content), from != nullptr ? *from : file.value());
    } else if (appends) {
        entry.set("append", placed(Value::of(true), *file.find("append")));
    }
    if (const auto mode = mode_of(file)) entry.set("mode", placed(Value::of(*mode), *file.find("permissions")));
    read_owner(file, entry);
    if (file.flag("defer").value_or(false)) entry.set("when", placed(Value::of("late"), *file.find("defer")));
    draft.part({"files"}, file.value()).set(*path, std::move(entry));
}

}  // namespace

void translate_files(const Section& config, Draft& draft) {
    config.each("write_files", [&](const Value& item, const machine::Path& path) {
        read_file(Section(item, path, draft.notes), draft);
    });
}

}  // namespace diatom::cloud
