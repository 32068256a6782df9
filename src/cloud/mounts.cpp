// Mounts and swap. Source: cloud-init 25.2, "Mounts", and cloudinit/config/cc_mounts.py; fstab(5).
#include <algorithm>
#include <array>
#include <cmath>

#include "base/strings.h"
#include "cloud/draft.h"

namespace diatom::cloud {
namespace {

constexpr std::uint64_t kGiB = 1ULL << 30U;
constexpr std::size_t kFields = 6;  // of fstab(5)
constexpr std::array kSwapKeys{Known{"filename"}, Known{"size"}, Known{"maxsize"}};

struct Line {
    Value source, target, type, options;
};

// The fields of fstab(5): null means the default, and so does what is missing.
Line line_of(const Value& item, const Value& defaults) {
    const auto field = [&](std::size_t i) {
        if (i < item.items().size() && !item.items()[i].is_null()) return item.items()[i];
        return i < defaults.items().size() ? placed(defaults.items()[i], item) : Value();
    };
    return {field(0), field(1), field(2), field(3)};
}

Value options_of(const Value& field) {
    auto options = placed(Value::list(), field);
    const auto text = field.scalar_text();
    for (const auto part : split(text, ',')) {
        const auto option = trim(part);
        // What orders systemd's units and what is mount(8)'s own is nothing to the kernel.
        if (option.empty() || option == "defaults" || option.starts_with("x-systemd.") ||
            option.starts_with("comment=") || option == "nobootwait")
            continue;
        options.add(placed(Value::of(option), field));
    }
    return options;
}

void add_mount(const Section& config, const Value& item, const machine::Path& path, const Value& defaults,
               Draft& draft) {
    if (!item.is_list() || item.items().empty())
        return draft.notes.wrong(item, path, "a list: [SOURCE, TARGET, TYPE, OPTIONS]");
    if (item.items().size() > kFields) return draft.notes.bad(item, path, "has more than the six fields of fstab(5)");
    const auto line = line_of(item, defaults);
    const auto source = device_of(config, line.source, path.item(0));
    if (!source) return;
    if (line.target.is_null()) {
        // So a line, and every one before it for the same device, is taken away.
        if (auto* mounts = draft.document.find("mounts"))
            std::erase_if(mounts->items(), [&](const Value& other) { return other.text_of("source") == *source; });
        return;
    }
    if (line.type.scalar_text() == "swap") {
        draft.part({"swap"}, item).set("device", placed(Value::of(*source), line.source));
        return;
    }
    auto mount = placed(Value::map(), item);
    mount.set("source", placed(Value::of(*source), line.source));
    mount.set("target", placed(Value::of(line.target.scalar_text()), line.target));
    const auto type = line.type.scalar_text();
    if (!type.empty() && type != "auto") mount.set("type", placed(Value::of(type), line.type));
    if (auto options = options_of(line.options); !options.items().empty()) mount.set("options", std::move(options));
    auto* mounts = draft.document.find("mounts");
    if (mounts == nullptr) mounts = &draft.document.set("mounts", placed(Value::list(), item));
    // A later line for the same device and place takes the earlier one's.
    std::erase_if(mounts->items(), [&](const Value& other) {
        return other.at("source") == mount.at("source") && other.at("target") == mount.at("target");
    });
    mounts->add(std::move(mount));
}

// "2G", "512M", "1.5G", or bytes.
std::optional<std::uint64_t> bytes_of(const Section& swap, std::string_view key) {
    const auto* value = swap.find(key);
    if (value == nullptr) return std::nullopt;
    const auto text = value->scalar_text();
    auto number = std::string_view(text);
    double scale = 1;
    if (number.ends_with('B')) number.remove_suffix(1);
    static constexpr std::string_view kUnits = "KMGT";
    const auto unit = number.empty() ? std::string_view::npos : kUnits.find(number.back());
    if (unit != std::string_view::npos) {
        scale = std::pow(1024.0, static_cast<double>(unit + 1));
        number.remove_suffix(1);
    }
    double size = 0;
    const auto end = std::from_chars(number.data(), number.data() + number.size(), size);
    const bool read = !number.empty() && end.ec == std::errc() && end.ptr == number.data() + number.size();
    if (!read || size < 0 || size * scale > 1e15) {
        swap.bad(key, "must be a size such as 512M or 2G");
        return std::nullopt;
    }
    return static_cast<std::uint64_t>(size * scale);
}

// How much cloud-init finds right for a machine of this memory.
std::uint64_t suggested_swap(std::uint64_t memory) {
    if (memory < 4 * kGiB) return memory;
    if (memory < 16 * kGiB) return 4 * kGiB;
    return static_cast<std::uint64_t>(std::llround(std::sqrt(static_cast<double>(memory) / kGiB))) * kGiB;
}

void read_swap(const Section& config, Draft& draft) {
    const auto swap = config.below("swap");
    if (!swap) return;
    swap->expect(kSwapKeys);
    const auto most = bytes_of(*swap, "maxsize");
    const auto* size = swap->find("size");
    if (size == nullptr) return;
    std::optional<std::uint64_t> bytes;
    if (to_lower(size->scalar_text()) == "auto") {
        if (!draft.options.memory) return swap->bad("size", "how much memory there is is not known here: say a size");
        bytes = suggested_swap(*draft.options.memory);
        bytes = std::min(*bytes, most.value_or(2 * *draft.options.memory));
    } else {
        bytes = bytes_of(*swap, "size");
    }
    const auto mebibytes = bytes.value_or(0) >> 20U;
    if (mebibytes == 0) return;
    auto& entry = draft.part({"swap"}, swap->value());
    entry.set("size", placed(Value::of(std::format("{}m", mebibytes)), *size));
    if (swap->has("filename")) swap->text_to("filename", entry, "file");
    else entry.set("file", placed(Value::of("/swap.img"), *size));
}

}  // namespace

void translate_mounts(const Section& config, Draft& draft) {
    static const Value kDefaults = [] {
        auto list = Value::list();
        list.add(Value());
        list.add(Value());
        list.add(Value::of("auto"));
        list.add(Value::of("defaults,nofail"));
        return list;
    }();
    const auto* own = config.find("mount_default_fields");
    if (own != nullptr && (!own->is_list() || own->items().size() != kFields)) {
        config.bad("mount_default_fields", "must be a list of six fields");
        own = nullptr;
    }
    config.each("mounts", [&](const Value& item, const machine::Path& path) {
        add_mount(config, item, path, own != nullptr ? *own : kDefaults, draft);
    });
    read_swap(config, draft);
}

}  // namespace diatom::cloud
