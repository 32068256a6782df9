#include "compose/tar.h"

#include <algorithm>
#include <format>

namespace diatom::compose {
namespace {

constexpr std::size_t kBlock = 512, kNameSize = 100;

void put(std::string& block, std::size_t at, std::string_view text) {
    std::ranges::copy(text, block.begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace

Result<std::string> make_tar(const TarEntry& entry, std::string_view contents) {
    if (entry.name.empty() || entry.name.size() > kNameSize) {
        return fail(Kind::invalid, "the path /{} must be of 1 to {} bytes", entry.name, kNameSize);
    }
    std::string head(kBlock, '\0');
    put(head, 0, entry.name);
    put(head, 100, std::format("{:07o}", entry.mode & 07777U));
    put(head, 108, std::format("{:07o}", entry.uid & 07777777U));
    put(head, 116, std::format("{:07o}", entry.gid & 07777777U));
    put(head, 124, std::format("{:011o}", contents.size()));
    put(head, 136, std::format("{:011o}", 0));
    put(head, 148, "        ");  // the checksum counts itself as blanks
    head[156] = '0';
    put(head, 257, std::string_view("ustar\00000", 8));
    unsigned sum = 0;
    for (const char c : head) sum += static_cast<unsigned char>(c);
    put(head, 148, std::string(std::format("{:06o}", sum)) + std::string("\0 ", 2));

    std::string archive = head + std::string(contents);
    archive.resize((archive.size() + kBlock - 1) / kBlock * kBlock + 2 * kBlock, '\0');
    return archive;
}

}  // namespace diatom::compose
