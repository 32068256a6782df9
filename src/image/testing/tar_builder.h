// Tar archives by hand, hostile ones too: nothing here checks a name. Source: POSIX.1-2017 ustar.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <format>
#include <string>
#include <string_view>

namespace diatom::image::testing {

class TarBuilder {
public:
    struct Fields {
        mode_t mode = 0644;
        unsigned uid = 0, gid = 0;
        std::uint64_t mtime = 1'700'000'000;
        unsigned major = 0, minor = 0;
    };

    TarBuilder& file(const std::string& name, std::string_view bytes, Fields fields) {
        return add('0', name, bytes, "", fields);
    }
    TarBuilder& file(const std::string& name, std::string_view bytes) { return file(name, bytes, Fields()); }
    TarBuilder& directory(const std::string& name, mode_t mode = 0755) {
        return add('5', name, "", "", with_mode(mode));
    }
    TarBuilder& symlink(const std::string& name, const std::string& target) {
        return add('2', name, "", target, Fields());
    }
    TarBuilder& hardlink(const std::string& name, const std::string& target) {
        return add('1', name, "", target, Fields());
    }
    TarBuilder& character_device(const std::string& name, unsigned major, unsigned minor) {
        Fields fields = with_mode(0666);
        fields.major = major;
        fields.minor = minor;
        return add('3', name, "", "", fields);
    }
    TarBuilder& fifo(const std::string& name) { return add('6', name, "", "", Fields()); }
    // An extended header for the next entry: "KEY=VALUE".
    TarBuilder& pax(const std::string& record) {
        std::size_t length = record.size() + 3;
        while (std::to_string(length).size() + record.size() + 2 != length) ++length;
        return add('x', "pax", std::to_string(length) + " " + record + "\n", "", Fields());
    }

    std::string finish() const { return bytes_ + std::string(1024, '\0'); }

private:
    static Fields with_mode(mode_t mode) {
        Fields fields;
        fields.mode = mode;
        return fields;
    }

    TarBuilder& add(char type, const std::string& name, std::string_view bytes, const std::string& link,
                    const Fields& fields) {
        char header[512] = {};
        std::memcpy(header, name.data(), std::min<std::size_t>(name.size(), 100));
        octal(header + 100, 8, fields.mode);
        octal(header + 108, 8, fields.uid);
        octal(header + 116, 8, fields.gid);
        octal(header + 124, 12, bytes.size());
        octal(header + 136, 12, fields.mtime);
        header[156] = type;
        std::memcpy(header + 157, link.data(), std::min<std::size_t>(link.size(), 100));
        std::memcpy(header + 257, "ustar\00000", 8);
        octal(header + 329, 8, fields.major);
        octal(header + 337, 8, fields.minor);
        std::memset(header + 148, ' ', 8);
        unsigned sum = 0;
        for (const char c : header) sum += static_cast<unsigned char>(c);
        octal(header + 148, 7, sum);
        bytes_.append(header, sizeof header);
        bytes_.append(bytes);
        bytes_.append((512 - bytes.size() % 512) % 512, '\0');
        return *this;
    }

    static void octal(char* field, int width, std::uint64_t value) {
        const auto digits = std::format("{:0{}o}", value, width - 1);
        std::memcpy(field, digits.data(), std::min<std::size_t>(digits.size(), static_cast<std::size_t>(width) - 1));
    }

    std::string bytes_;
};

}  // namespace diatom::image::testing
