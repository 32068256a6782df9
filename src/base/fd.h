// Owned and borrowed file descriptors. Thread side: any; an Fd itself is not shared between threads.
// There is no conversion to int: .raw() marks each place where a number leaves the type.
#pragma once

#include <unistd.h>

#include <utility>

namespace diatom {

// Borrowed: valid while its owner lives.
class FdRef {
public:
    constexpr FdRef() noexcept = default;
    constexpr explicit FdRef(int fd) noexcept : fd_(fd) {}
    constexpr int raw() const noexcept { return fd_; }
    constexpr explicit operator bool() const noexcept { return fd_ >= 0; }
    friend constexpr bool operator==(FdRef, FdRef) noexcept = default;

private:
    int fd_ = -1;
};

// Owned: closed once, on destruction. close() is never retried: Linux frees the number even when it reports EINTR.
class [[nodiscard]] Fd {
public:
    constexpr Fd() noexcept = default;
    constexpr explicit Fd(int fd) noexcept : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        if (this != &other) {
            reset();
            fd_ = std::exchange(other.fd_, -1);
        }
        return *this;
    }
    ~Fd() { reset(); }

    constexpr int raw() const noexcept { return fd_; }
    constexpr explicit operator bool() const noexcept { return fd_ >= 0; }
    constexpr operator FdRef() const noexcept { return FdRef(fd_); }
    int release() noexcept { return std::exchange(fd_, -1); }
    void reset() noexcept {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }

private:
    int fd_ = -1;
};

}  // namespace diatom
