#include "platform/label.h"

#include <gtest/gtest.h>

namespace diatom::platform {
namespace {

std::string iso(const std::string& label, const std::string& joliet = "") {
    std::string head(40 * 1024, '\0');
    const auto describe = [&](int sector, char type, const std::string& name, const std::string& escape) {
        std::string text(2048, '\0');
        text[0] = type;
        text.replace(1, 5, "CD001");
        text.replace(40, 32, (name + std::string(32, ' ')).substr(0, 32));
        text.replace(88, escape.size(), escape);
        head.replace(static_cast<std::size_t>(sector) * 2048, 2048, text);
    };
    describe(16, 1, label, "");
    std::string wide;
    for (const char c : joliet) wide += std::string{'\0', c};
    describe(17, 2, wide + std::string(32 - wide.size(), '\0'), joliet.empty() ? "" : "%/E");
    describe(18, '\xff', "", "");
    return head;
}

std::string fat(const std::string& label, std::size_t at, const char* type) {
    std::string head(4096, '\0');
    head.replace(at, 11, (label + std::string(11, ' ')).substr(0, 11));
    head.replace(at + 11, 8, type);
    head.replace(510, 2, "\x55\xaa");
    return head;
}

TEST(Label, OfAnIsoFileSystem) {
    EXPECT_EQ(file_system_label(iso("CIDATA")), "CIDATA");
    EXPECT_EQ(file_system_label(iso("CIDATA", "cidata")), "cidata");
    EXPECT_EQ(file_system_label(iso("CONFIG_2", "config-2")), "config-2");
    EXPECT_EQ(file_system_label(iso("")), "");
    EXPECT_EQ(file_system_label(iso("x").substr(0, 16 * 2048 + 100)), std::nullopt);
}

TEST(Label, OfAFatFileSystem) {
    EXPECT_EQ(file_system_label(fat("cidata", 43, "FAT16   ")), "cidata");
    EXPECT_EQ(file_system_label(fat("CIDATA", 43, "FAT12   ")), "CIDATA");
    EXPECT_EQ(file_system_label(fat("config-2", 71, "FAT32   ")), "config-2");
    EXPECT_EQ(file_system_label(fat("NO NAME", 71, "FAT32   ")), "");
    EXPECT_EQ(file_system_label(fat("cidata", 43, "FAT16   ").substr(0, 511)), std::nullopt);
}

TEST(Label, OfNothing) {
    EXPECT_EQ(file_system_label(""), std::nullopt);
    EXPECT_EQ(file_system_label(std::string(kLabelHead, '\0')), std::nullopt);
    EXPECT_EQ(file_system_label(std::string(kLabelHead, '\xff')), std::nullopt);
}

}  // namespace
}  // namespace diatom::platform
