// A `docker save` archive of an image with one busybox layer, made in memory.
#pragma once

#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "image/digest.h"
#include "sys/file.h"

namespace diatom::engine::testing {

// POSIX ustar (IEEE 1003.1, pax): enough for what the store must read.
inline void add_entry(std::string& tar, const std::string& name, char type, const std::string& bytes,
                      const std::string& link = "", unsigned mode = 0755) {
    std::array<char, 512> header{};
    const auto put = [&](std::size_t at, const std::string& text) { text.copy(header.data() + at, text.size()); };
    const auto octal = [](std::uint64_t value, int width) {
        std::array<char, 16> text{};
        std::snprintf(text.data(), text.size(), "%0*lo", width, static_cast<unsigned long>(value));
        return std::string(text.data());
    };
    put(0, name);
    put(100, octal(mode, 7));
    put(108, octal(0, 7));
    put(116, octal(0, 7));
    put(124, octal(bytes.size(), 11));
    put(136, octal(0, 11));
    put(148, "        ");
    header[156] = type;
    put(157, link);
    put(257, std::string("ustar\00000", 8));
    std::uint64_t sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    put(148, octal(sum, 6) + std::string("\0 ", 2));
    tar.append(header.data(), header.size());
    tar += bytes;
    tar.append((512 - bytes.size() % 512) % 512, '\0');
}

inline std::string busybox_layer() {
    std::string tar;
    for (const char* directory : {"bin/", "etc/", "tmp/", "root/", "data/"}) add_entry(tar, directory, '5', "");
    add_entry(tar, "bin/busybox", '0', sys::read_file("/bin/busybox").value_or(""));
    for (const char* name : {"sh", "echo", "cat", "sleep", "ip", "nc", "true", "httpd", "wget", "mkdir"}) {
        add_entry(tar, std::string("bin/") + name, '2', "", "busybox");
    }
    add_entry(tar, "etc/passwd", '0', "root:x:0:0:root:/root:/bin/sh\n", "", 0644);
    add_entry(tar, "data/seed", '0', "seed\n", "", 0644);
    tar.append(1024, '\0');
    return tar;
}

inline std::string busybox_archive() {
    const auto layer = busybox_layer();
    const std::string config =
        R"({"architecture":"amd64","os":"linux","config":{"Cmd":["sh"],"Env":["PATH=/bin"],"Volumes":{"/data":{}}},)"
        R"("rootfs":{"type":"layers","diff_ids":[")" +
        image::Digest::of(layer).text() + R"("]}})";
    const auto name = std::string(image::Digest::of(config).hex()) + ".json";
    std::string tar;
    add_entry(tar, name, '0', config, "", 0644);
    add_entry(tar, "layer.tar", '0', layer, "", 0644);
    add_entry(tar, "manifest.json", '0',
              R"([{"Config":")" + name + R"(","RepoTags":["busybox:latest"],"Layers":["layer.tar"]}])", "", 0644);
    tar.append(1024, '\0');
    return tar;
}

}  // namespace diatom::engine::testing
