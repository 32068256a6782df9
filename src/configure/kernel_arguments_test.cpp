#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "configure/efi_addon.h"
#include "configure/testing/machine_fixture.h"

namespace diatom::configure {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kAddon = "/run/diatom/boot/loader/addons/diatom.addon.efi";
constexpr const char* kVariables = "/sys/firmware/efi/efivars/";

template <class Number>
Number number_at(const std::string& bytes, std::size_t at) {
    Number number{};
    if (at + sizeof number <= bytes.size()) std::memcpy(&number, bytes.data() + at, sizeof number);
    return number;
}

// As a loader finds a section: by the header's tables.
std::string section_of(const std::string& image, std::string_view name) {
    const auto header = number_at<std::uint32_t>(image, 60);
    if (image.substr(0, 2) != "MZ" || image.substr(header, 4) != std::string_view("PE\0\0", 4)) return "(no PE)";
    const auto count = number_at<std::uint16_t>(image, header + 6);
    const auto tables = header + 24 + number_at<std::uint16_t>(image, header + 20);
    for (std::size_t at = tables; at < tables + count * 40U; at += 40) {
        if (std::string_view(image.data() + at, 8).substr(0, name.size()) != name) continue;
        return image.substr(number_at<std::uint32_t>(image, at + 20), number_at<std::uint32_t>(image, at + 8));
    }
    return "(no section)";
}

class KernelArguments : public testing::MachineFixture {
protected:
    void SetUp() override {
        MachineFixture::SetUp();
        ASSERT_TRUE(sys::make_dirs(at(kVariables)));
        ASSERT_TRUE(sys::make_dirs(at("/run/diatom/boot")));
        put("/proc/cmdline", "quiet rootfstype=ramfs\n");
    }
    void start_from_disk() const {
        put(std::string(kVariables) + "LoaderDevicePartUUID-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f",
            std::string("\6\0\0\0a\0b\0\0\0", 10));
    }
    // The memory of a boot is gone, and the stub appends what the addon says.
    void boot() const {
        const auto words = added();
        ASSERT_TRUE(sys::remove_file(at("/run/diatom/config/kernel-arguments")));
        put("/proc/cmdline", "quiet rootfstype=ramfs" + (words == "(no PE)" ? "" : " " + words) + "\n");
    }
    std::string added() const { return section_of(get(kAddon), ".cmdline"); }
};

TEST_F(KernelArguments, AreAddedAndTakenAway) {
    start_from_disk();
    EXPECT_THAT(apply("kernel_arguments: {add: [a=b, 'c=\"d e\" quiet', a=b, f], remove: [f, g]}"), IsEmpty());
    EXPECT_EQ(added(), "a=b c=\"d e\"");
    boot();
    EXPECT_THAT(apply("kernel_arguments: {add: [a=b, 'c=\"d e\"']}"), IsEmpty());
    EXPECT_EQ(added(), "a=b c=\"d e\"");
    EXPECT_THAT(apply("kernel_arguments: {remove: [a=b], add: [h]}", Phase::live), IsEmpty());
    EXPECT_EQ(added(), "h");
    // Taken back before it was ever heard.
    EXPECT_THAT(apply("kernel_arguments: {add: [a=b, 'c=\"d e\"']}", Phase::live), IsEmpty());
    EXPECT_EQ(added(), "a=b c=\"d e\"");
    boot();
    EXPECT_THAT(apply("hostname: x"), IsEmpty());
    EXPECT_EQ(get(kAddon), "(nothing)");
    EXPECT_EQ(get("/var/lib/diatom/config/kernel-arguments"), "(nothing)");
}

TEST_F(KernelArguments, OfTheImageStay) {
    EXPECT_THAT(apply("kernel_arguments: {add: [quiet], remove: [debug]}"), IsEmpty());
    EXPECT_THAT(apply("kernel_arguments: {remove: [quiet]}"),
                ElementsAre(HasSubstr("machine.yml:1: kernel_arguments.remove: quiet stands in the image's own")));
    start_from_disk();
    EXPECT_THAT(apply("kernel_arguments: {add: [x=" + std::string(2040, 'y') + "]}"),
                ElementsAre(HasSubstr("the kernel takes 2047 bytes")));
}

TEST_F(KernelArguments, AreRefusedWhereNobodyWouldHearThem) {
    EXPECT_THAT(apply("kernel_arguments: {add: [a]}"), ElementsAre(HasSubstr("was not started by systemd-boot")));
    start_from_disk();
    put(std::string(kVariables) + "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", std::string("\6\0\0\0\1", 5));
    EXPECT_THAT(apply("kernel_arguments: {add: [a]}"), ElementsAre(HasSubstr("Secure Boot is on")));
    EXPECT_EQ(get(kAddon), "(nothing)");
}

TEST(EfiAddon, HasItsSectionsInSectorsOfTheFile) {
    const auto addon = efi_addon("a=b");
    EXPECT_EQ(addon.size() % 512, 0U);
    EXPECT_EQ(section_of(addon, ".cmdline"), "a=b");
    EXPECT_EQ(section_of(addon, ".text").size(), 11U);
    EXPECT_EQ(section_of(efi_addon(std::string(2000, 'x')), ".cmdline").size(), 2000U);
}

}  // namespace
}  // namespace diatom::configure
