#include "runtime/seccomp.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "base/strings.h"
#include "runtime/filter_compact.h"
#include "sys/file.h"

namespace diatom::runtime {
namespace {

constexpr std::uint32_t kMaxErrno = 4095;
constexpr std::string_view kNotify = "SCMP_ACT_NOTIFY";

template <class Value, std::size_t N>
using Words = std::array<std::pair<std::string_view, Value>, N>;

constexpr Words<std::uint32_t, 9> kActions = {{
    {"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
    {"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0)},
    {"SCMP_ACT_KILL", SCMP_ACT_KILL},
    {"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
    {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
    {"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
    {"SCMP_ACT_TRACE", SCMP_ACT_TRACE(0)},
    {"SCMP_ACT_LOG", SCMP_ACT_LOG},
    {"SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY},
}};
constexpr Words<scmp_compare, 7> kOperators = {{
    {"SCMP_CMP_NE", SCMP_CMP_NE},
    {"SCMP_CMP_LT", SCMP_CMP_LT},
    {"SCMP_CMP_LE", SCMP_CMP_LE},
    {"SCMP_CMP_EQ", SCMP_CMP_EQ},
    {"SCMP_CMP_GE", SCMP_CMP_GE},
    {"SCMP_CMP_GT", SCMP_CMP_GT},
    {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
}};
constexpr Words<unsigned, 4> kFlags = {{
    {"SECCOMP_FILTER_FLAG_TSYNC", 0},  // one thread loads it, so there is nothing to bring into step
    {"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
    {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
    {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV},
}};

// Those of libseccomp 2.6.
constexpr std::array<std::string_view, 22> kArchitectures = {
    "X86",    "X86_64",  "X32",      "ARM",       "AARCH64",     "LOONGARCH64", "M68K",     "MIPS",
    "MIPSEL", "MIPS64",  "MIPSEL64", "MIPS64N32", "MIPSEL64N32", "PARISC",      "PARISC64", "PPC",
    "PPC64",  "PPC64LE", "S390",     "S390X",     "RISCV64",     "SHEB"};

template <class Table>
Result<typename Table::value_type::second_type> look_up(const Table& table, std::string_view what,
                                                        const std::string& word) {
    for (const auto& [name, value] : table) {
        if (name == word) return value;
    }
    return fail(Kind::invalid, "seccomp: no such {}: \"{}\"", what, word);
}

Result<std::uint32_t> action_of(const std::string& name, std::optional<unsigned> number) {
    const auto action = TRY(look_up(kActions, "action", name));
    if (action != SCMP_ACT_ERRNO(0) && action != SCMP_ACT_TRACE(0)) return action;
    const unsigned value = number.value_or(EPERM);
    if (value > kMaxErrno) return fail(Kind::invalid, "seccomp: errno {} is more than {}", value, kMaxErrno);
    return action | value;
}

using Context = std::unique_ptr<void, decltype([](void* context) { ::seccomp_release(context); })>;

Result<void> add_architectures(scmp_filter_ctx context, const std::vector<std::string>& names) {
    for (const auto& name : names) {
        constexpr std::string_view kPrefix = "SCMP_ARCH_";
        const auto word = name.starts_with(kPrefix) ? to_lower(std::string_view(name).substr(kPrefix.size())) : "";
        const auto token = word.empty() ? 0 : ::seccomp_arch_resolve_name(word.c_str());
        if (token == 0) return fail(Kind::invalid, "seccomp: no such architecture: \"{}\"", name);
        const int added = ::seccomp_arch_add(context, token);
        if (added < 0 && added != -EEXIST) return fail_errno(-added, "seccomp: add architecture {}", name);
    }
    return {};
}

Result<std::vector<scmp_arg_cmp>> comparisons_of(const SeccompRule& rule) {
    std::vector<scmp_arg_cmp> comparisons;
    for (const auto& arg : rule.args) {
        if (arg.index > 5) return fail(Kind::invalid, "seccomp: a system call has no argument {}", arg.index);
        scmp_arg_cmp comparison{.arg = arg.index,
                                .op = TRY(look_up(kOperators, "operator", arg.op)),
                                .datum_a = arg.value,
                                .datum_b = arg.value_two};
        comparisons.push_back(comparison);
    }
    return comparisons;
}

// Comparisons of different arguments must all hold; several of the same argument are alternatives (runtime-spec).
bool has_alternatives(const std::vector<scmp_arg_cmp>& comparisons) {
    for (std::size_t i = 1; i < comparisons.size(); ++i) {
        if (std::ranges::contains(std::span(comparisons).first(i), comparisons[i].arg, &scmp_arg_cmp::arg)) return true;
    }
    return false;
}

Result<void> add_rule(scmp_filter_ctx context, const SeccompRule& rule, std::uint32_t default_action) {
    const auto action = TRY(action_of(rule.action, rule.errno_value));
    const auto comparisons = TRY(comparisons_of(rule));
    if (action == default_action) return {};  // libseccomp refuses a rule that changes nothing
    const auto add = [&](int number, const std::string& name, std::span<const scmp_arg_cmp> which) -> Result<void> {
        const int added =
            ::seccomp_rule_add_array(context, action, number, static_cast<unsigned>(which.size()), which.data());
        if (added < 0 && added != -EEXIST) return fail_errno(-added, "seccomp: rule for {}", name);
        return {};
    };
    for (const auto& name : rule.names) {
        const int number = ::seccomp_syscall_resolve_name(name.c_str());
        if (number == __NR_SCMP_ERROR) continue;
        if (!has_alternatives(comparisons)) {
            TRY(add(number, name, comparisons));
            continue;
        }
        for (const auto& comparison : comparisons) TRY(add(number, name, std::span(&comparison, 1)));
    }
    return {};
}

// The highest native number among the profile's names: what lies above did not exist for its author.
int newest_known(const Seccomp& seccomp) {
    int newest = -1;
    for (const auto& rule : seccomp.rules) {
        for (const auto& name : rule.names) newest = std::max(newest, ::seccomp_syscall_resolve_name(name.c_str()));
    }
    return newest;
}

#if defined(__x86_64__)
constexpr std::uint32_t kNativeArchitecture = AUDIT_ARCH_X86_64;
constexpr std::uint32_t kX32Bit = 0x40000000;  // __X32_SYSCALL_BIT: another numbering, left to the filter itself
#elif defined(__aarch64__)
constexpr std::uint32_t kNativeArchitecture = AUDIT_ARCH_AARCH64;
constexpr std::uint32_t kX32Bit = 0x40000000;
#endif

// Jumps of classic BPF are relative, so a prefix leaves what follows as it is.
std::vector<sock_filter> newer_gives_enosys(int newest) {
    constexpr auto kNumber = static_cast<std::uint32_t>(offsetof(seccomp_data, nr));
    constexpr auto kArch = static_cast<std::uint32_t>(offsetof(seccomp_data, arch));
    return {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kArch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kNativeArchitecture, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kNumber),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, kX32Bit, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, static_cast<std::uint32_t>(newest), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
    };
}

Result<std::vector<sock_filter>> export_program(scmp_filter_ctx context) {
    std::size_t size = 0;
    if (const int sized = ::seccomp_export_bpf_mem(context, nullptr, &size); sized < 0) {
        return fail_errno(-sized, "seccomp: compile");
    }
    std::vector<sock_filter> program(size / sizeof(sock_filter));
    if (const int written = ::seccomp_export_bpf_mem(context, program.data(), &size); written < 0) {
        return fail_errno(-written, "seccomp: compile");
    }
    return program;
}

// Whether somebody is asked about system calls.
Result<bool> notifies(const Seccomp& seccomp) {
    if (seccomp.default_action == kNotify) {
        return fail(Kind::invalid, "seccomp: {} cannot be the default action: the container could not even start",
                    kNotify);
    }
    bool found = false;
    for (const auto& rule : seccomp.rules) {
        if (rule.action != kNotify) continue;
        found = true;
        if (std::ranges::contains(rule.names, "sendmsg")) {
            return fail(Kind::invalid, "seccomp: {} for sendmsg, which the runtime needs to reach the listener",
                        kNotify);
        }
    }
    if (found && seccomp.listener_path.empty()) {
        return fail(Kind::invalid, "seccomp: {} needs linux.seccomp.listenerPath", kNotify);
    }
    return found;
}

}  // namespace

Result<Filter> compile_filter(const Seccomp& seccomp) {
    Filter filter;
    if (TRY(notifies(seccomp))) filter.load_flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
    for (const auto& flag : seccomp.flags) filter.load_flags |= TRY(look_up(kFlags, "flag", flag));
    const auto default_action = TRY(action_of(seccomp.default_action, seccomp.default_errno));
    const Context context(::seccomp_init(default_action));
    if (!context) return fail(Kind::exhausted, "seccomp: out of memory");
    TRY(add_architectures(context.get(), seccomp.architectures));
    // A binary tree over the numbers in place of a list: some ten comparisons a system call instead of hundreds.
    ::seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
    for (const auto& rule : seccomp.rules) TRY(add_rule(context.get(), rule, default_action));
    auto program = TRY(export_program(context.get()));
    const int newest = newest_known(seccomp);
    const bool errno_default = (default_action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
    if (errno_default && newest >= 0) filter.program = newer_gives_enosys(newest);
    filter.program.insert(filter.program.end(), program.begin(), program.end());
    filter.program = compact_filter(filter.program);
    if (filter.program.size() > BPF_MAXINSNS) {
        return fail(Kind::invalid, "seccomp: the filter has {} instructions, the kernel takes {}",
                    filter.program.size(), BPF_MAXINSNS);
    }
    return filter;
}

SeccompWords seccomp_words() {
    SeccompWords words;
    for (const auto& [name, value] : kActions) words.actions.emplace_back(name);
    for (const auto& [name, value] : kOperators) words.operators.emplace_back(name);
    for (const auto& [name, value] : kFlags) words.flags.emplace_back(name);
    for (const auto name : kArchitectures) words.architectures.push_back(std::format("SCMP_ARCH_{}", name));
    return words;
}

Result<std::shared_ptr<const Filter>> cached_filter(const Seccomp& seccomp) {
    // Few profiles are in use at a time; a caller that makes one up for each container must not fill the memory.
    constexpr std::size_t kMost = 32;
    static std::mutex mutex;
    static std::vector<std::pair<Seccomp, std::shared_ptr<const Filter>>> cache;
    const std::lock_guard lock(mutex);  // held while compiling: libseccomp makes no promise about threads
    for (const auto& [known, filter] : cache) {
        if (known == seccomp) return filter;
    }
    auto filter = std::make_shared<const Filter>(TRY(compile_filter(seccomp)));
    if (cache.size() == kMost) cache.erase(cache.begin());
    cache.emplace_back(seccomp, filter);
    return filter;
}

Result<Fd> load_filter(std::string_view program, unsigned load_flags) {
    std::vector<sock_filter> instructions(program.size() / sizeof(sock_filter));
    std::ranges::copy(program.substr(0, instructions.size() * sizeof(sock_filter)),
                      reinterpret_cast<char*>(instructions.data()));
    const sock_fprog descriptor{.len = static_cast<unsigned short>(instructions.size()), .filter = instructions.data()};
    const long loaded = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, load_flags, &descriptor);
    if (loaded < 0) return fail_errno(errno, "load the seccomp filter ({} instructions)", instructions.size());
    return (load_flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0 ? Fd(static_cast<int>(loaded)) : Fd();
}

}  // namespace diatom::runtime
