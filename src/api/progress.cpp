#include "api/progress.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>

#include "base/strings.h"

namespace diatom::api {
namespace {

namespace asio = boost::asio;

std::string progress_bar(std::uint64_t current, std::uint64_t total) {
    constexpr std::size_t kWidth = 50;
    const auto filled = total == 0 ? 0 : std::min<std::size_t>(kWidth, current * kWidth / total);
    std::string bar = "[" + std::string(filled, '=');
    if (filled < kWidth) bar += ">" + std::string(kWidth - filled - 1, ' ');
    return std::format("{}]  {}/{}", bar, format_bytes(current), format_bytes(total));
}

}  // namespace

Task<void> write_lines(Connection& connection, std::string lines) {
    if (!connection.streaming()) {
        auto begun = co_await connection.begin_stream(200, "application/json");
        CO_TRY(std::move(begun));
    }
    co_return co_await connection.write_chunk(lines);
}

Task<void> ProgressStream::run() {
    for (;;) {
        while (!lines_.empty()) {
            const auto line = std::move(lines_.front());
            lines_.pop_front();
            auto sent = co_await write_lines(connection_, line);
            CO_TRY(std::move(sent));
        }
        if (finished_) co_return Result<void>{};
        wake_.expires_at(asio::steady_timer::time_point::max());
        boost::system::error_code woken;
        co_await wake_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
}

std::string progress_line(const image::Progress& progress) {
    Json line{{"status", progress.status}};
    if (!progress.id.empty()) line["id"] = progress.id;
    Json detail = Json::object();
    if (progress.total > 0) {
        detail = {{"current", progress.current}, {"total", progress.total}};
        line["progress"] = progress_bar(progress.current, progress.total);
    }
    line["progressDetail"] = detail;
    return dump_json(line) + "\r\n";
}

std::string error_line(const Error& error) {
    return dump_json({{"errorDetail", {{"message", error.what()}}}, {"error", error.what()}}) + "\r\n";
}

std::string status_line(const std::string& status, const std::string& id) {
    Json line{{"status", status}};
    if (!id.empty()) line["id"] = id;
    return dump_json(line) + "\r\n";
}

}  // namespace diatom::api
