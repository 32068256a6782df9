#include "base/error.h"

#include <cerrno>
#include <cstring>

namespace diatom {

std::string_view to_string(Kind kind) noexcept {
    switch (kind) {
        case Kind::invalid: return "invalid";
        case Kind::not_found: return "not found";
        case Kind::conflict: return "conflict";
        case Kind::denied: return "denied";
        case Kind::unauthorized: return "unauthorized";
        case Kind::unavailable: return "unavailable";
        case Kind::unsupported: return "unsupported";
        case Kind::exhausted: return "exhausted";
        case Kind::timed_out: return "timed out";
        case Kind::cancelled: return "cancelled";
        case Kind::corrupt: return "corrupt";
        case Kind::io: return "input/output";
        case Kind::bug: return "bug";
    }
    return "unknown";
}

Kind kind_of_errno(int error) noexcept {
    switch (error) {
        case ENOENT:
        case ESRCH:
        case ENODEV:
        case ENXIO: return Kind::not_found;
        case EEXIST:
        case EBUSY:
        case EADDRINUSE:
        case ENOTEMPTY: return Kind::conflict;
        case EACCES:
        case EPERM:
        case EROFS: return Kind::denied;
        case ECONNREFUSED:
        case ECONNRESET:
        case EHOSTUNREACH:
        case ENETUNREACH:
        case ENETDOWN:
        case EAGAIN: return Kind::unavailable;
        case ENOSYS:
        case EOPNOTSUPP:
        case EAFNOSUPPORT: return Kind::unsupported;
        case ENOSPC:
        case EDQUOT:
        case ENOMEM:
        case EMFILE:
        case ENFILE: return Kind::exhausted;
        case ETIMEDOUT: return Kind::timed_out;
        case ECANCELED: return Kind::cancelled;
        case EINVAL:
        case ENAMETOOLONG:
        case ELOOP:
        case ENOTDIR:
        case EISDIR: return Kind::invalid;
        default: return Kind::io;
    }
}

Error Error::in(std::string_view context) && {
    what_.insert(0, ": ");
    what_.insert(0, context);
    return std::move(*this);
}

Failure fail_errno_text(int error, std::string what, std::source_location where) {
    what += ": ";
    what += std::strerror(error);
    return Failure(Error(kind_of_errno(error), std::move(what), error, where));
}

}  // namespace diatom
