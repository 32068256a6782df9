#include "runtime/filter_compact.h"

#include <linux/seccomp.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>

namespace diatom::runtime {
namespace {

constexpr std::uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
constexpr auto kNumber = static_cast<std::uint32_t>(offsetof(seccomp_data, nr));
constexpr auto kArch = static_cast<std::uint32_t>(offsetof(seccomp_data, arch));
constexpr std::size_t kLongestJump = 255;  // of a conditional one

// What an input comes to: an answer, or a place in the given program where an argument is loaded.
struct Outcome {
    bool answers = false;
    std::uint32_t value = 0;  // the answer, or the place
    bool operator==(const Outcome&) const = default;
};

struct Range {
    std::uint32_t first = 0;  // it ends where the next begins
    Outcome outcome;
};

// An instruction of the new program; `tail` is set where it jumps to a place in the given one.
struct Piece {
    sock_filter instruction{};
    std::optional<std::uint32_t> tail;
};
using Pieces = std::vector<Piece>;

bool is_jump(const sock_filter& i) { return BPF_CLASS(i.code) == BPF_JMP; }
bool is_conditional(const sock_filter& i) { return is_jump(i) && BPF_OP(i.code) != BPF_JA; }

// The places that an instruction may go on at.
std::vector<std::size_t> successors(std::size_t at, const sock_filter& i) {
    if (BPF_CLASS(i.code) == BPF_RET) return {};
    if (!is_jump(i)) return {at + 1};
    if (!is_conditional(i)) return {at + 1 + i.k};
    return {at + 1 + i.jt, at + 1 + i.jf};
}

bool takes(const sock_filter& i, std::uint32_t accumulator) {
    switch (BPF_OP(i.code)) {
        case BPF_JEQ: return accumulator == i.k;
        case BPF_JGT: return accumulator > i.k;
        default: return accumulator >= i.k;
    }
}

using Values = std::set<std::uint32_t>;

// One architecture and one number, from the beginning. Nothing: an instruction that is not known here, or an
// architecture compared otherwise than for equality. Adds what the architecture was compared with to `archs`.
std::optional<Outcome> evaluate(std::span<const sock_filter> program, std::uint32_t arch, std::uint32_t number,
                                Values& archs) {
    std::uint32_t accumulator = 0;
    std::optional<std::uint32_t> loaded;  // what the accumulator holds: kNumber or kArch
    for (std::size_t at = 0; at < program.size();) {
        const sock_filter& i = program[at];
        if (i.code == (BPF_RET | BPF_K)) return Outcome{true, i.k};
        if (i.code == kLoad) {
            if (i.k != kNumber && i.k != kArch) return Outcome{false, static_cast<std::uint32_t>(at)};
            accumulator = i.k == kNumber ? number : arch;
            loaded = i.k;
            ++at;
            continue;
        }
        if (i.code == (BPF_JMP | BPF_JA)) {
            at += 1 + std::size_t{i.k};
            continue;
        }
        const bool compares = is_conditional(i) && BPF_SRC(i.code) == BPF_K && BPF_OP(i.code) != BPF_JSET;
        if (!compares || !loaded) return {};
        if (loaded == kArch) {
            if (BPF_OP(i.code) != BPF_JEQ) return {};
            archs.insert(i.k);
        }
        at += 1 + (takes(i, accumulator) ? std::size_t{i.jt} : std::size_t{i.jf});
    }
    return {};
}

// Every value at which an answer may change: what the program compares with, and the value after it.
Values boundaries(std::span<const sock_filter> program) {
    Values found{0};
    for (const auto& i : program) {
        if (!is_conditional(i)) continue;
        found.insert(i.k);
        if (i.k != UINT32_MAX) found.insert(i.k + 1);
    }
    return found;
}

std::optional<std::vector<Range>> ranges_of(std::span<const sock_filter> program, std::uint32_t arch,
                                            const Values& edges, Values& archs) {
    std::vector<Range> ranges;
    for (const auto first : edges) {
        const auto outcome = evaluate(program, arch, first, archs);
        if (!outcome) return {};
        if (ranges.empty() || ranges.back().outcome != *outcome) ranges.push_back({first, *outcome});
    }
    return ranges;
}

void append(Pieces& to, const Pieces& what) { to.insert(to.end(), what.begin(), what.end()); }

// `yes` when the accumulator compares with `value`, else `no`.
Pieces choose(std::uint16_t comparison, std::uint32_t value, const Pieces& no, const Pieces& yes) {
    const auto code = static_cast<std::uint16_t>(BPF_JMP | comparison | BPF_K);
    Pieces pieces;
    if (no.size() <= kLongestJump) {
        pieces.push_back({BPF_JUMP(code, value, static_cast<std::uint8_t>(no.size()), 0), {}});
    } else {
        pieces.push_back({BPF_JUMP(code, value, 0, 1), {}});
        pieces.push_back({BPF_STMT(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(no.size())), {}});
    }
    append(pieces, no);
    append(pieces, yes);
    return pieces;
}

Piece answer(const Outcome& outcome) {
    if (outcome.answers) return {BPF_STMT(BPF_RET | BPF_K, outcome.value), {}};
    return {BPF_STMT(BPF_JMP | BPF_JA, 0), outcome.value};
}

// A range with a few single numbers in it that have another outcome: most of what a profile leaves out stands alone.
struct Stretch {
    std::uint32_t first = 0;
    Outcome outcome, other;
    std::vector<std::uint32_t> exceptions;
};

std::vector<Stretch> stretches_of(const std::vector<Range>& ranges) {
    constexpr std::size_t kMostExceptions = 4;  // they are compared one after the other
    std::vector<Stretch> stretches;
    for (std::size_t i = 0; i < ranges.size(); ++i) {
        const auto& range = ranges[i];
        if (!stretches.empty() && i + 1 < ranges.size()) {
            auto& last = stretches.back();
            const auto& next = ranges[i + 1];
            const bool alone = next.first == range.first + 1 && next.outcome == last.outcome;
            const bool fits = last.exceptions.empty() || last.other == range.outcome;
            if (alone && fits && last.exceptions.size() < kMostExceptions) {
                last.exceptions.push_back(range.first);
                last.other = range.outcome;
                ++i;  // the stretch goes on through the next range
                continue;
            }
        }
        stretches.push_back({.first = range.first, .outcome = range.outcome, .other = {}, .exceptions = {}});
    }
    return stretches;
}

Pieces answer(const Stretch& stretch) {
    Pieces pieces;
    for (auto left = stretch.exceptions.size(); const auto number : stretch.exceptions) {
        const auto over = static_cast<std::uint8_t>(left--);  // the other exceptions and the stretch's own answer
        pieces.push_back({BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, over, 0), {}});
    }
    pieces.push_back(answer(stretch.outcome));
    if (!stretch.exceptions.empty()) pieces.push_back(answer(stretch.other));
    return pieces;
}

Pieces search(std::span<const Stretch> stretches) {
    if (stretches.size() == 1) return answer(stretches[0]);
    const auto half = stretches.size() / 2;
    return choose(BPF_JGE, stretches[half].first, search(stretches.first(half)), search(stretches.subspan(half)));
}

Pieces of_architecture(const std::vector<Range>& ranges) {
    Pieces pieces;
    if (ranges.size() > 1) pieces.push_back({BPF_STMT(kLoad, kNumber), {}});
    append(pieces, search(stretches_of(ranges)));
    return pieces;
}

// The instructions that the tails reach, in their order, so that what lies between two of them only becomes less and
// each jump still spans it. Gives the new place of each old one, from the beginning of the tails.
std::map<std::size_t, std::size_t> reached(std::span<const sock_filter> program, const Pieces& pieces) {
    std::set<std::size_t> seen;
    std::vector<std::size_t> open;
    for (const auto& piece : pieces) {
        if (piece.tail) open.push_back(*piece.tail);
    }
    while (!open.empty()) {
        const auto at = open.back();
        open.pop_back();
        if (!seen.insert(at).second) continue;
        for (const auto next : successors(at, program[at])) open.push_back(next);
    }
    std::map<std::size_t, std::size_t> places;
    for (const auto at : seen) places.emplace(at, places.size());
    return places;
}

std::vector<sock_filter> link(std::span<const sock_filter> program, const Pieces& pieces) {
    const auto places = reached(program, pieces);
    std::vector<sock_filter> linked;
    for (const auto& piece : pieces) {
        linked.push_back(piece.instruction);
        if (piece.tail)
            linked.back().k = static_cast<std::uint32_t>(pieces.size() + places.at(*piece.tail) - linked.size());
    }
    for (const auto& [at, place] : places) {
        sock_filter i = program[at];
        const auto span_to = [&](std::size_t old) { return places.at(at + 1 + old) - place - 1; };
        if (is_conditional(i)) {
            i.jt = static_cast<std::uint8_t>(span_to(i.jt));
            i.jf = static_cast<std::uint8_t>(span_to(i.jf));
        } else if (is_jump(i)) {
            i.k = static_cast<std::uint32_t>(span_to(i.k));
        }
        linked.push_back(i);
    }
    return linked;
}

bool stays_inside(std::span<const sock_filter> program) {
    for (std::size_t at = 0; at < program.size(); ++at) {
        if (std::ranges::any_of(successors(at, program[at]), [&](auto next) { return next >= program.size(); }))
            return false;
    }
    return true;
}

}  // namespace

std::vector<sock_filter> compact_filter(const std::vector<sock_filter>& program) {
    if (!stays_inside(program)) return program;
    const auto edges = boundaries(program);
    // A value that the program compares with nothing stands for all architectures that it does not know.
    const auto last = std::ranges::find_if(edges, [&](auto value) { return !edges.contains(value + 1); });
    Values open;
    const auto unknown = ranges_of(program, *last + 1, edges, open);
    if (!unknown) return program;
    Pieces pieces = of_architecture(*unknown);
    for (Values done; !open.empty();) {
        const auto arch = *open.begin();
        open.erase(open.begin());
        if (!done.insert(arch).second) continue;
        const auto ranges = ranges_of(program, arch, edges, open);
        if (!ranges) return program;
        pieces = choose(BPF_JEQ, arch, pieces, of_architecture(*ranges));
    }
    pieces.insert(pieces.begin(), Piece{BPF_STMT(kLoad, kArch), {}});
    auto linked = link(program, pieces);
    return linked.size() < program.size() ? linked : program;
}

}  // namespace diatom::runtime
