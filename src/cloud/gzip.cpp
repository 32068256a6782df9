#include "cloud/gzip.h"

#include <isa-l/igzip_lib.h>

#include <memory>

#include "base/strings.h"

namespace diatom::cloud {
namespace {

constexpr std::size_t kStep = 64U << 10U;

// One member from the front of the state's input.
Result<void> inflate_member(inflate_state& state, std::string& out, std::size_t most) {
    while (state.block_state != ISAL_BLOCK_FINISH) {
        const auto filled = out.size();
        // One byte more than may be: that it comes out is how what is too large is known.
        const auto room = std::min(kStep, most + 1 - filled);
        out.resize(filled + room);
        state.next_out = reinterpret_cast<std::uint8_t*>(out.data()) + filled;
        state.avail_out = static_cast<std::uint32_t>(room);
        const auto before = state.avail_in;
        const int code = isal_inflate(&state);
        const auto got = room - state.avail_out;
        out.resize(filled + got);
        if (code != ISAL_DECOMP_OK) return fail(Kind::corrupt, "gzip: damaged (igzip error {})", code);
        if (out.size() > most) {
            return fail(Kind::exhausted, "gzip: more than {} come out, which is the most that is taken",
                        format_bytes(most));
        }
        if (got == 0 && state.avail_in == before && state.block_state != ISAL_BLOCK_FINISH) {
            return fail(Kind::corrupt, "gzip: cut short");
        }
    }
    return {};
}

}  // namespace

bool is_gzip(std::string_view bytes) noexcept { return bytes.starts_with("\x1f\x8b"); }

Result<std::string> gunzip(std::string_view bytes, std::size_t most) {
    if (!is_gzip(bytes)) return fail(Kind::corrupt, "gzip: this is none");
    const auto state = std::make_unique<inflate_state>();
    std::string out;
    while (is_gzip(bytes)) {
        isal_inflate_init(state.get());
        state->crc_flag = ISAL_GZIP;
        // The library reads through a pointer that is not const.
        state->next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(bytes.data()));
        state->avail_in = static_cast<std::uint32_t>(bytes.size());
        TRY(inflate_member(*state, out, most));
        bytes.remove_prefix(bytes.size() - state->avail_in);
    }
    if (bytes.find_first_not_of('\0') != std::string_view::npos) {
        return fail(Kind::corrupt, "gzip: something else follows it");
    }
    return out;
}

}  // namespace diatom::cloud
