#include "runtime/filter_compact.h"

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include <cerrno>
#include <cstring>
#include <random>

#include "runtime/seccomp.h"

namespace diatom::runtime {
namespace {

using Program = std::vector<sock_filter>;

// What the kernel would answer. The instructions that libseccomp makes.
std::uint32_t run(const Program& program, const seccomp_data& data) {
    std::uint32_t a = 0;
    for (std::size_t at = 0; at < program.size(); ++at) {
        const auto& i = program[at];
        const auto jump = [&](bool taken) { at += taken ? i.jt : i.jf; };
        switch (i.code) {
            case BPF_LD | BPF_W | BPF_ABS: std::memcpy(&a, reinterpret_cast<const char*>(&data) + i.k, sizeof a); break;
            case BPF_ALU | BPF_AND | BPF_K: a &= i.k; break;
            case BPF_JMP | BPF_JA: at += i.k; break;
            case BPF_JMP | BPF_JEQ | BPF_K: jump(a == i.k); break;
            case BPF_JMP | BPF_JGT | BPF_K: jump(a > i.k); break;
            case BPF_JMP | BPF_JGE | BPF_K: jump(a >= i.k); break;
            case BPF_JMP | BPF_JSET | BPF_K: jump((a & i.k) != 0); break;
            case BPF_RET | BPF_K: return i.k;
            default: ADD_FAILURE() << "instruction " << i.code; return 0;
        }
    }
    ADD_FAILURE() << "ran past the end";
    return 0;
}

// Every constant of the program and its neighbours: whatever it can tell apart.
std::vector<std::uint32_t> interesting(const Program& program) {
    std::vector<std::uint32_t> values{0, UINT32_MAX};
    for (const auto& i : program) {
        if (BPF_CLASS(i.code) != BPF_RET) values.insert(values.end(), {i.k - 1, i.k, i.k + 1});
    }
    return values;
}

void expect_same(const Program& before, const Program& after, unsigned seed) {
    std::mt19937 random(seed);
    const auto values = interesting(before);
    const auto any = [&] { return values[random() % values.size()]; };
    for (const auto number : values) {
        for (const std::uint32_t arch : {std::uint32_t{AUDIT_ARCH_X86_64}, std::uint32_t{AUDIT_ARCH_I386}, any()}) {
            seccomp_data data{.nr = static_cast<int>(number), .arch = arch, .instruction_pointer = 0, .args = {}};
            for (int round = 0; round < 4; ++round) {
                for (auto& arg : data.args) arg = any() | (random() % 4 == 0 ? std::uint64_t{any()} << 32 : 0);
                ASSERT_EQ(run(after, data), run(before, data))
                    << "seed " << seed << " call " << number << " arch " << arch;
            }
        }
    }
}

Program export_of(scmp_filter_ctx context) {
    std::size_t size = 0;
    EXPECT_EQ(::seccomp_export_bpf_mem(context, nullptr, &size), 0);
    Program program(size / sizeof(sock_filter));
    EXPECT_EQ(::seccomp_export_bpf_mem(context, program.data(), &size), 0);
    return program;
}

TEST(CompactFilter, AnswersAsWhatLibseccompMade) {
    for (const std::uint32_t optimize : {1U, 2U}) {
        auto* context = ::seccomp_init(SCMP_ACT_ERRNO(EPERM));
        ASSERT_EQ(::seccomp_arch_add(context, SCMP_ARCH_X86), 0);
        ASSERT_EQ(::seccomp_arch_add(context, SCMP_ARCH_X32), 0);
        ASSERT_EQ(::seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, optimize), 0);
        for (int call = 0; call < 330; ++call) {
            if (call % 37 == 0 || call == 41) continue;
            ASSERT_EQ(::seccomp_rule_add(context, SCMP_ACT_ALLOW, call, 0), 0);
        }
        ASSERT_EQ(::seccomp_rule_add(context, SCMP_ACT_ALLOW, 41, 1, SCMP_A0(SCMP_CMP_NE, 40)), 0);
        ASSERT_EQ(::seccomp_rule_add(context, SCMP_ACT_ALLOW, 37, 1, SCMP_A0(SCMP_CMP_MASKED_EQ, 0x7e020000, 0)), 0);
        ASSERT_EQ(::seccomp_rule_add(context, SCMP_ACT_KILL, 74, 2, SCMP_A1(SCMP_CMP_GT, 7), SCMP_A2(SCMP_CMP_LE, 9)),
                  0);
        const auto before = export_of(context);
        ::seccomp_release(context);
        const auto after = compact_filter(before);
        EXPECT_LT(after.size(), before.size() / 2);
        expect_same(before, after, optimize);
    }
}

TEST(CompactFilter, TheDefaultProfileIsSmall) {
    const auto filter = compile_filter(*default_spec().seccomp);
    ASSERT_TRUE(filter);
    RecordProperty("instructions", static_cast<int>(filter->program.size()));
    EXPECT_LT(filter->program.size(), 450U);
}

// Any program that the kernel would take, of the instructions above.
Program any_program(std::mt19937& random) {
    const std::size_t length = 2 + random() % 40;
    const std::uint32_t constants[] = {0, 1, 2, 3, 5, 8, AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, UINT32_MAX};
    const std::uint32_t fields[] = {0, 0, 0, 4, 4, 16, 20, 24};
    Program program{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4)};
    while (program.size() + 1 < length) {
        const auto left = length - program.size() - 1;
        const auto hop = [&] { return static_cast<std::uint8_t>(random() % left); };
        const auto constant = constants[random() % std::size(constants)];
        switch (random() % 8) {
            case 0: program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, fields[random() % std::size(fields)])); break;
            case 1: program.push_back(BPF_STMT(BPF_RET | BPF_K, static_cast<std::uint32_t>(random() % 5))); break;
            case 2: program.push_back(BPF_STMT(BPF_JMP | BPF_JA, hop())); break;
            case 3: program.push_back(BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, constant, hop(), hop())); break;
            case 4: program.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, constant, hop(), hop())); break;
            case 5: program.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, constant, hop(), hop())); break;
            default: program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, constant, hop(), hop())); break;
        }
    }
    program.push_back(BPF_STMT(BPF_RET | BPF_K, 99));
    return program;
}

TEST(CompactFilter, AnyProgramKeepsItsAnswers) {
    std::mt19937 random(1);
    int compacted = 0;
    for (unsigned i = 0; i < 5000; ++i) {
        const auto before = any_program(random);
        const auto after = compact_filter(before);
        compacted += after.size() < before.size() ? 1 : 0;
        expect_same(before, after, i);
        if (HasFatalFailure()) return;
    }
    EXPECT_GT(compacted, 100);
}

TEST(CompactFilter, WhatItCannotFollowStaysAsItIs) {
    const Program arithmetic{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1),
                             BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 7, 0, 0), BPF_STMT(BPF_RET | BPF_K, 0)};
    EXPECT_EQ(compact_filter(arithmetic).size(), arithmetic.size());
    const Program outside{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 7, 5, 0),
                          BPF_STMT(BPF_RET | BPF_K, 0)};
    EXPECT_EQ(compact_filter(outside).size(), outside.size());
    EXPECT_TRUE(compact_filter({}).empty());
}

}  // namespace
}  // namespace diatom::runtime
