// Columns as wide as their widest text. Thread side: main thread; prints to standard output.
#pragma once

#include <algorithm>
#include <array>
#include <cstdio>
#include <format>
#include <string>
#include <vector>

namespace diatom::cli {

template <std::size_t Columns>
void print_rows(const std::vector<std::array<std::string, Columns>>& rows) {
    std::array<std::size_t, Columns> widths{};
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < Columns; ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < Columns; ++i) line += std::format("{:{}}   ", row[i], widths[i]);
        line.erase(line.find_last_not_of(' ') + 1);
        std::puts(line.c_str());
    }
}

}  // namespace diatom::cli
