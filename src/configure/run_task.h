// A coroutine of the HTTP client run to its end by a caller that blocks. Thread side: any; the calling thread is its
// executor.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>

#include "http/client.h"

namespace diatom::configure {

template <class T>
Result<T> run_task(boost::asio::io_context& io, http::Task<T> task) {
    std::optional<Result<T>> outcome;
    std::exception_ptr thrown;
    boost::asio::co_spawn(io, std::move(task), [&](std::exception_ptr error, Result<T> result) {
        thrown = std::move(error);
        outcome = std::move(result);
    });
    io.restart();
    io.run();
    if (thrown) std::rethrow_exception(thrown);
    return std::move(*outcome);
}

}  // namespace diatom::configure
