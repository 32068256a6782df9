// Archives of tests, read as a whole.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "image/tar.h"

namespace diatom::image::testing {

inline Result<std::string> read_whole(ByteSource& source) {
    std::string text;
    std::vector<std::uint8_t> piece(1000);
    for (;;) {
        const auto got = TRY(source.read(piece));
        if (got == 0) return text;
        text.append(reinterpret_cast<const char*>(piece.data()), got);
    }
}

// What an archive holds, by path.
class Collector final : public TarSink {
public:
    Result<void> begin(const TarEntry& entry) override {
        entries[entry.path] = entry;
        return {};
    }
    Result<void> data(std::uint64_t, std::string_view bytes) override {
        last_ += bytes;
        return {};
    }
    Result<void> end(const TarEntry& entry) override {
        contents[entry.path] = std::exchange(last_, {});
        return {};
    }
    std::map<std::string, TarEntry> entries;
    std::map<std::string, std::string> contents;

private:
    std::string last_;
};

inline Collector collect(std::string_view archive) {
    Collector found;
    const auto source = memory_source(archive);
    const auto read = read_tar(*source, found);
    EXPECT_TRUE(read) << read.error().what();
    return found;
}

}  // namespace diatom::image::testing
