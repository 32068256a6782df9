// Errors as values. Every fallible function returns Result<T>; a caller handles the error or adds context with TRY.
// Thread side: any. Errors own their strings and share nothing.
#pragma once

#include <cstdint>
#include <expected>
#include <format>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

namespace diatom {

// What went wrong, as far as a caller can act on it. http_status() (api) and exit_code() (cli) are its only
// translations.
enum class Kind : std::uint8_t {
    invalid,       // the request or document is malformed: change it
    not_found,     // the thing named does not exist
    conflict,      // it exists already, or is in a state that excludes the request
    denied,        // the caller may not
    unauthorized,  // credentials missing or refused
    unavailable,   // a peer or service does not answer now: try again
    unsupported,   // not built into this version, or not possible on this kernel
    exhausted,     // out of memory, disk, addresses, ports
    timed_out,     // a deadline passed
    cancelled,     // the caller went away or asked to stop
    corrupt,       // bytes do not match their digest or their format
    io,            // the operating system refused, see errno
    bug,           // a broken invariant of ours
};

std::string_view to_string(Kind kind) noexcept;

// Kind that an errno value means when nothing more is known.
Kind kind_of_errno(int error) noexcept;

class [[nodiscard]] Error {
public:
    Error(Kind kind, std::string what, int error = 0,
          std::source_location where = std::source_location::current()) noexcept
        : what_(std::move(what)), where_(where), errno_(error), kind_(kind) {}

    // Puts the larger operation before the cause: Error("no space").in("write blob") reads "write blob: no space".
    Error in(std::string_view context) &&;

    Kind kind() const noexcept { return kind_; }
    int error_number() const noexcept { return errno_; }
    const std::string& what() const noexcept { return what_; }
    const std::source_location& where() const noexcept { return where_; }

private:
    std::string what_;
    std::source_location where_;
    int errno_;
    Kind kind_;
};

template <class T>
using Result = std::expected<T, Error>;

using Failure = std::unexpected<Error>;

// return fail(Kind::not_found, "no such container: {}", name);
template <class... Args>
struct FormatAt {
    std::format_string<Args...> format;
    std::source_location where;
    template <class S>
    consteval FormatAt(const S& s, std::source_location w = std::source_location::current()) : format(s), where(w) {}
};

template <class... Args>
[[nodiscard]] Failure fail(Kind kind, FormatAt<std::type_identity_t<Args>...> format, Args&&... args) {
    return Failure(Error(kind, std::format(format.format, std::forward<Args>(args)...), 0, format.where));
}

// return fail_errno(ENOSPC, "write {}", path): appends the errno's text and derives the kind from it.
[[nodiscard]] Failure fail_errno_text(int error, std::string what, std::source_location where);

template <class... Args>
[[nodiscard]] Failure fail_errno(int error, FormatAt<std::type_identity_t<Args>...> format, Args&&... args) {
    return fail_errno_text(error, std::format(format.format, std::forward<Args>(args)...), format.where);
}

// Forwards the error of a failed Result of any type.
template <class T>
[[nodiscard]] Failure forward_error(Result<T>&& result) {
    return Failure(std::move(result).error());
}

namespace detail {
inline Failure in_context(Error error) { return Failure(std::move(error)); }
template <class... Args>
Failure in_context(Error error, std::format_string<Args...> format, Args&&... args) {
    return Failure(std::move(error).in(std::format(format, std::forward<Args>(args)...)));
}
}  // namespace detail

}  // namespace diatom

// auto fd = TRY(open_at(dir, name), "read layer {}", digest): the value, or return the error with context before it.
#define TRY(expr, ...)                                                                                      \
    ({                                                                                                      \
        auto try_result_ = (expr);                                                                          \
        if (!try_result_) [[unlikely]]                                                                      \
            return ::diatom::detail::in_context(std::move(try_result_).error() __VA_OPT__(, ) __VA_ARGS__); \
        *std::move(try_result_);                                                                            \
    })

// The same in a coroutine. Await first: auto r = co_await f(); auto v = CO_TRY(std::move(r), "...");
#define CO_TRY(expr, ...)                                                                                      \
    ({                                                                                                         \
        auto try_result_ = (expr);                                                                             \
        if (!try_result_) [[unlikely]]                                                                         \
            co_return ::diatom::detail::in_context(std::move(try_result_).error() __VA_OPT__(, ) __VA_ARGS__); \
        *std::move(try_result_);                                                                               \
    })
