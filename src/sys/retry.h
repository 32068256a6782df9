// System calls that a signal may interrupt. Never for close(2), which frees the number even then.
#pragma once

#include <cerrno>

namespace diatom::sys {

// Repeats `call` while it gives a negative result with EINTR.
template <class Call>
auto retry_interrupted(Call&& call) noexcept(noexcept(call())) {
    for (;;) {
        const auto result = call();
        if (result >= 0 || errno != EINTR) return result;
    }
}

}  // namespace diatom::sys
