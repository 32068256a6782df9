#include "runtime/device_filter.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <limits>
#include <ranges>

#include "base/strings.h"

namespace diatom::runtime {
namespace {

// Registers of the program: the context comes in r1, the verdict goes out in r0.
constexpr std::uint8_t kVerdict = BPF_REG_0, kContext = BPF_REG_1, kType = BPF_REG_2, kWanted = BPF_REG_3,
                       kMajor = BPF_REG_4, kMinor = BPF_REG_5, kScratch = BPF_REG_6;

bpf_insn instruction(unsigned code, std::uint8_t target, std::uint8_t source, int offset, std::int32_t value) {
    return {.code = static_cast<std::uint8_t>(code),
            .dst_reg = target,
            .src_reg = source,
            .off = static_cast<std::int16_t>(offset),
            .imm = value};
}
bpf_insn load_word(std::uint8_t target, std::size_t offset) {
    return instruction(BPF_LDX | BPF_MEM | BPF_W, target, kContext, static_cast<int>(offset), 0);
}
bpf_insn alu(unsigned operation, std::uint8_t target, std::int32_t value) {
    return instruction(BPF_ALU | operation | BPF_K, target, 0, 0, value);
}
bpf_insn move(std::uint8_t target, std::uint8_t source) {
    return instruction(BPF_ALU | BPF_MOV | BPF_X, target, source, 0, 0);
}
bpf_insn jump_unless_equal(std::uint8_t target, std::int32_t value, int offset) {
    return instruction(BPF_JMP | BPF_JNE | BPF_K, target, 0, offset, value);
}
bpf_insn jump_if_equal(std::uint8_t target, std::int32_t value, int offset) {
    return instruction(BPF_JMP | BPF_JEQ | BPF_K, target, 0, offset, value);
}
bpf_insn leave() { return instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0); }

Result<std::int32_t> access_mask(const DeviceRule& rule) {
    std::int32_t mask = 0;
    for (const char letter : rule.access) {
        switch (letter) {
            case 'r': mask |= BPF_DEVCG_ACC_READ; break;
            case 'w': mask |= BPF_DEVCG_ACC_WRITE; break;
            case 'm': mask |= BPF_DEVCG_ACC_MKNOD; break;
            default:
                return fail(Kind::invalid, "device rule: \"{}\" is no access: it must be of r, w and m", rule.access);
        }
    }
    return mask;
}

// The tests of one rule; each that fails jumps past all of it. The offsets are filled in once its length is known.
Result<std::vector<bpf_insn>> assemble_rule(const DeviceRule& rule) {
    std::vector<bpf_insn> code;
    if (rule.type != 'a' && rule.type != 'b' && rule.type != 'c') {
        return fail(Kind::invalid, "device rule: \"{}\" is no type: it must be a, b or c", rule.type);
    }
    for (const auto number : {rule.major, rule.minor}) {
        if (number > std::numeric_limits<std::int32_t>::max())
            return fail(Kind::invalid, "device rule: {} is too large", number);
    }
    if (rule.type != 'a')
        code.push_back(jump_unless_equal(kType, rule.type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR, 0));
    if (rule.major >= 0) code.push_back(jump_unless_equal(kMajor, static_cast<std::int32_t>(rule.major), 0));
    if (rule.minor >= 0) code.push_back(jump_unless_equal(kMinor, static_cast<std::int32_t>(rule.minor), 0));
    const std::size_t tests = code.size();
    const auto access = TRY(access_mask(rule));
    if (rule.allow) {
        // What this rule grants needs no further one; once nothing is left, all is granted.
        code.push_back(alu(BPF_AND, kWanted, ~access));
        code.push_back(jump_unless_equal(kWanted, 0, 2));
        code.push_back(alu(BPF_MOV, kVerdict, 1));
    } else {
        code.push_back(move(kScratch, kWanted));
        code.push_back(alu(BPF_AND, kScratch, access));
        code.push_back(jump_if_equal(kScratch, 0, 2));
        code.push_back(alu(BPF_MOV, kVerdict, 0));
    }
    code.push_back(leave());
    for (std::size_t i = 0; i < tests; ++i) code[i].off = static_cast<std::int16_t>(code.size() - i - 1);
    return code;
}

long bpf(bpf_cmd command, bpf_attr& attributes) { return ::syscall(SYS_bpf, command, &attributes, sizeof attributes); }

}  // namespace

bool allows_everything(const std::vector<DeviceRule>& rules) {
    return rules.empty() || (rules.back().allow && rules.back().type == 'a' && rules.back().major < 0 &&
                             rules.back().minor < 0 && rules.back().access.size() == 3);
}

Result<std::vector<bpf_insn>> assemble_device_filter(const std::vector<DeviceRule>& rules) {
    // access_type holds the access in its upper and the type in its lower half (linux/bpf.h).
    std::vector<bpf_insn> program = {
        load_word(kType, offsetof(bpf_cgroup_dev_ctx, access_type)),
        move(kWanted, kType),
        alu(BPF_AND, kType, 0xffff),
        alu(BPF_RSH, kWanted, 16),
        load_word(kMajor, offsetof(bpf_cgroup_dev_ctx, major)),
        load_word(kMinor, offsetof(bpf_cgroup_dev_ctx, minor)),
    };
    for (const auto& rule : rules | std::views::reverse) {
        const auto code = TRY(assemble_rule(rule));
        program.insert(program.end(), code.begin(), code.end());
        // Whatever stood before a rule for everything is void.
        if (rule.type == 'a' && rule.major < 0 && rule.minor < 0 && rule.access.size() == 3) break;
    }
    program.push_back(alu(BPF_MOV, kVerdict, 0));
    program.push_back(leave());
    return program;
}

Result<Fd> load_device_filter(const std::vector<bpf_insn>& program) {
    bpf_attr attributes{};
    attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attributes.insns = reinterpret_cast<std::uintptr_t>(program.data());
    attributes.insn_cnt = static_cast<std::uint32_t>(program.size());
    attributes.license = reinterpret_cast<std::uintptr_t>("Apache-2.0");
    std::ranges::copy(std::string_view("diatom_devices"), attributes.prog_name);
    attributes.expected_attach_type = BPF_CGROUP_DEVICE;
    Fd loaded(static_cast<int>(bpf(BPF_PROG_LOAD, attributes)));
    if (loaded) return loaded;
    if (errno == EINVAL) {
        return fail(Kind::unsupported,
                    "device rules: this kernel takes no BPF programs for cgroup devices "
                    "(CONFIG_CGROUP_BPF)");
    }
    return fail_errno(errno, "device rules: load the BPF program ({} instructions)", program.size());
}

Result<void> attach_device_filter(FdRef cgroup, const std::vector<DeviceRule>& rules) {
    const auto program = TRY(assemble_device_filter(rules));
    const auto loaded = TRY(load_device_filter(program));
    bpf_attr attributes{};
    attributes.target_fd = static_cast<std::uint32_t>(cgroup.raw());
    attributes.attach_bpf_fd = static_cast<std::uint32_t>(loaded.raw());
    attributes.attach_type = BPF_CGROUP_DEVICE;
    attributes.attach_flags = BPF_F_ALLOW_MULTI;
    if (bpf(BPF_PROG_ATTACH, attributes) < 0)
        return fail_errno(errno, "device rules: attach the BPF program to the cgroup");
    return {};
}

}  // namespace diatom::runtime
