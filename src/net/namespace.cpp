#include "net/namespace.h"

#include <sched.h>

#include <cerrno>
#include <system_error>
#include <thread>

namespace diatom::net {

Result<void> run_in_namespace(FdRef netns, const std::function<Result<void>()>& work) {
    Result<void> result;
    const auto enter_and_work = [&]() -> Result<void> {
        if (::setns(netns.raw(), CLONE_NEWNET) != 0)
            return fail_errno(errno, "enter the container's network namespace");
        return work();
    };
    try {
        std::thread([&] { result = enter_and_work(); }).join();
    } catch (const std::system_error& error) {
        return fail_errno(error.code().value(), "start a thread to enter a network namespace");
    }
    return result;
}

}  // namespace diatom::net
