#include "configure/efi_addon.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace diatom::configure {
namespace {

constexpr std::uint32_t kPage = 4096, kSector = 512;  // alignment in memory, and in the file
constexpr std::uint32_t kDirectories = 16, kSections = 2;
constexpr std::uint16_t kOptionalHeader = 112 + kDirectories * 8;
#if defined(__aarch64__)
constexpr std::uint16_t kMachine = 0xAA64;
// mov x0, #3; movk x0, #0x8000, lsl #48; ret
constexpr std::string_view kProgram("\x60\x00\x80\xd2\x00\x00\xf0\xf2\xc0\x03\x5f\xd6", 12);
#else
constexpr std::uint16_t kMachine = 0x8664;
// mov rax, 0x8000000000000003; ret
constexpr std::string_view kProgram("\x48\xb8\x03\x00\x00\x00\x00\x00\x00\x80\xc3", 11);
#endif

constexpr std::uint16_t kPe32Plus = 0x20B, kEfiApplication = 10, kNxCompatible = 0x100;
// Executable, without line numbers, symbols and debug information, at any address.
constexpr std::uint16_t kCharacteristics = 0x0002 | 0x0004 | 0x0008 | 0x0020 | 0x0200;
constexpr std::uint32_t kCode = 0x60000020, kData = 0x40000040;  // contents, and who may read or run them

constexpr std::uint32_t aligned(std::size_t size, std::uint32_t to) {
    return (static_cast<std::uint32_t>(size) + to - 1) / to * to;
}

class Image {
public:
    template <class Number>
    void add(Number number) {
        for (std::size_t i = 0; i < sizeof number; ++i) bytes_ += static_cast<char>(std::uint64_t{number} >> (8 * i));
    }
    void add(std::string_view text, std::size_t size) {
        bytes_ += text.substr(0, size);
        bytes_.append(size - std::min(size, text.size()), '\0');
    }
    std::string take() { return std::move(bytes_); }

private:
    std::string bytes_;
};

struct Section {
    std::string_view name, contents;
    std::uint32_t address, offset, flags;
};

void add_headers(Image& image, std::uint32_t size, std::uint32_t data) {
    image.add("MZ", 60);
    image.add(std::uint32_t{64});  // where the rest begins
    image.add("PE", 4);
    image.add(kMachine);
    image.add(std::uint16_t{kSections});
    for (int i = 0; i < 3; ++i) image.add(std::uint32_t{0});  // time, symbols
    image.add(kOptionalHeader);
    image.add(kCharacteristics);
    image.add(kPe32Plus);
    image.add(std::uint16_t{0});  // of the linker
    image.add(aligned(kProgram.size(), kSector));
    image.add(data);
    image.add(std::uint32_t{0});
    image.add(kPage);             // where it begins to run
    image.add(kPage);             // where its code is
    image.add(std::uint64_t{0});  // any base: nothing in it is an address
    image.add(kPage);
    image.add(kSector);
    for (int i = 0; i < 4; ++i) image.add(std::uint32_t{0});  // versions
    image.add(size);
    image.add(kSector);           // of the headers
    image.add(std::uint32_t{0});  // checksum
    image.add(kEfiApplication);
    image.add(kNxCompatible);
    for (int i = 0; i < 4; ++i) image.add(std::uint64_t{0});  // stack and heap
    image.add(std::uint32_t{0});
    image.add(kDirectories);
    image.add("", kDirectories * 8);
}

void add_section(Image& image, const Section& section) {
    image.add(section.name, 8);
    image.add(static_cast<std::uint32_t>(section.contents.size()));
    image.add(section.address);
    image.add(aligned(section.contents.size(), kSector));
    image.add(section.offset);
    image.add("", 12);
    image.add(section.flags);
}

}  // namespace

std::string efi_addon(std::string_view command_line) {
    const std::array<Section, kSections> sections{{
        {".text", kProgram, kPage, kSector, kCode},
        {".cmdline", command_line, 2 * kPage, 2 * kSector, kData},
    }};
    Image image;
    add_headers(image, 2 * kPage + aligned(command_line.size(), kPage), aligned(command_line.size(), kSector));
    for (const auto& section : sections) add_section(image, section);
    auto bytes = image.take();
    for (const auto& section : sections) {
        bytes.resize(section.offset);
        bytes += section.contents;
    }
    bytes.resize(aligned(bytes.size(), kSector));
    return bytes;
}

}  // namespace diatom::configure
