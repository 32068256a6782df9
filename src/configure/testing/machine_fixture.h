// A machine in a directory: what the image has of it, and what is applied to it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configure/apply.h"
#include "machine/store.h"
#include "sys/file.h"
#include "tests/support/temp_dir.h"

namespace diatom::configure::testing {

inline Value read(const std::string& text) {
    auto document = machine::read_document(text, "machine.yml");
    EXPECT_TRUE(document) << (document ? "" : document.error().what());
    return document ? std::move(*document) : Value::map();
}

inline std::string json(const Value& value) { return to_json(value, JsonStyle::compact); }

class MachineFixture : public ::testing::Test {
protected:
    void SetUp() override {
        for (const auto* directory :
             {"/etc", "/proc/sys/net/ipv4", "/tmp", "/usr/share/diatom/etc", "/root", "/home", "/run"}) {
            ASSERT_TRUE(sys::make_dirs(at(directory)));
        }
        put("/usr/share/diatom/etc/passwd",
            "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n");
        put("/usr/share/diatom/etc/group", "root:x:0:\nusers:x:100:\n");
        put("/usr/share/diatom/etc/shadow", "root:*:20000:0:99999:7:::\n");
        put("/proc/sys/net/ipv4/ip_forward", "0");
    }

    Root root() const { return {directory_.path()}; }
    std::string at(std::string_view path) const { return directory_.path() + std::string(path); }
    void put(std::string_view path, std::string_view text) const { ASSERT_TRUE(sys::write_file(at(path), text)); }
    std::string get(std::string_view path) const { return sys::read_file(at(path)).value_or("(nothing)"); }

    // Warnings and problems.
    std::vector<std::string> apply(const std::string& text, Phase phase = Phase::boot,
                                   const Beside& beside = {}) const {
        auto machine = read(text);
        // Host keys are made by a program of the image.
        if (!machine.has("ssh")) machine.set("ssh", read("enabled: false"));
        const auto made = plan(machine, phase, root(), beside);
        auto said = made.refused;
        said.insert(said.end(), made.warnings.begin(), made.warnings.end());
        const auto outcome = carry_out(made);
        said.insert(said.end(), outcome.problems.begin(), outcome.problems.end());
        return said;
    }

    test::TempDir directory_;
};

}  // namespace diatom::configure::testing
