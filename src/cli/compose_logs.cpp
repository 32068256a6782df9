#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <memory>
#include <mutex>
#include <thread>

#include "cli/compose_command.h"

namespace diatom::cli {
namespace {

constexpr std::array kOptions{
    OptionSpec{"--follow", 'f', false, "go on with what is said from now on"},
    OptionSpec{"--tail", 'n', true, "only the last so many lines of each container"},
    OptionSpec{"--since", 0, true, "RFC 3339, or a duration: 10m"},
    OptionSpec{"--until", 0, true, "RFC 3339, or a duration: 10m"},
    OptionSpec{"--timestamps", 't', false, "when each line was said"},
    OptionSpec{"--no-log-prefix", 0, false, "without the containers' names"},
    OptionSpec{"--no-color", 0, false, "as always"},
    OptionSpec{"--index", 0, true, "which container of the service, from 1"},
};

// Whole lines of several containers onto one output.
class LineWriter {
public:
    void write(std::string_view prefix, std::string_view line) {
        const std::scoped_lock lock(mutex_);
        std::fwrite(prefix.data(), 1, prefix.size(), stdout);
        std::fwrite(line.data(), 1, line.size(), stdout);
        std::fputc('\n', stdout);
        std::fflush(stdout);
    }

private:
    std::mutex mutex_;
};

class LineSplitter {
public:
    LineSplitter(LineWriter& writer, std::string prefix) : writer_(writer), prefix_(std::move(prefix)) {}
    ~LineSplitter() {
        if (!pending_.empty()) writer_.write(prefix_, pending_);
    }
    LineSplitter(const LineSplitter&) = delete;
    LineSplitter& operator=(const LineSplitter&) = delete;

    void feed(std::string_view bytes) {
        pending_ += bytes;
        std::size_t begin = 0;
        for (auto end = pending_.find('\n'); end != std::string::npos; end = pending_.find('\n', begin)) {
            auto line = std::string_view(pending_).substr(begin, end - begin);
            if (line.ends_with('\r')) line.remove_suffix(1);
            writer_.write(prefix_, line);
            begin = end + 1;
        }
        pending_.erase(0, begin);
    }

private:
    LineWriter& writer_;
    std::string prefix_, pending_;
};

std::string log_target(const std::string& id, const LogQuery& query) {
    auto target =
        std::format("/containers/{}/logs?stdout=1&stderr=1&tail={}{}{}", id, compose::percent_encode(query.tail),
                    query.follow ? "&follow=1" : "", query.timestamps ? "&timestamps=1" : "");
    if (!query.since.empty()) target += "&since=" + compose::percent_encode(query.since);
    if (!query.until.empty()) target += "&until=" + compose::percent_encode(query.until);
    return target;
}

Result<void> print_log(const compose::Client& client, const compose::Container& container, const LogQuery& query,
                       LineWriter& writer, const std::string& prefix) {
    const auto json = TRY(client.get("/containers/" + container.id + "/json"));
    const bool has_terminal = json_bool(json_member(json, "Config"), "Tty").value_or(false);
    LineSplitter out(writer, prefix), error(writer, prefix);
    compose::Demultiplexer streams;
    return client.stream("GET", log_target(container.id, query), {}, [&](std::string_view bytes) -> Result<void> {
        if (has_terminal) {
            out.feed(bytes);
        } else {
            streams.feed(bytes, [&](int stream, std::string_view part) { (stream == 2 ? error : out).feed(part); });
        }
        return {};
    });
}

std::string short_name(const compose::Container& container) {
    return container.number > 0 ? std::format("{}-{}", container.service, container.number) : container.name;
}

// Shared with threads that go on while a signal ends the command.
struct Following {
    LineWriter writer;
    std::atomic<std::size_t> open = 0;
};

}  // namespace

Result<bool> print_logs(const compose::Client& client, const std::vector<compose::Container>& containers,
                        const LogQuery& query) {
    std::size_t width = 0;
    for (const auto& container : containers) width = std::max(width, short_name(container).size());
    const auto prefix_of = [&](const compose::Container& container) {
        return query.prefix ? std::format("{:{}} | ", short_name(container), width) : std::string();
    };
    if (!query.follow) {
        LineWriter writer;
        for (const auto& container : containers) TRY(print_log(client, container, query, writer, prefix_of(container)));
        return false;
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before the threads, which inherit it
    const auto following = std::make_shared<Following>();
    following->open = containers.size();
    for (const auto& container : containers) {
        std::thread([following, client, container, query, prefix = prefix_of(container)] {
            const auto done = print_log(client, container, query, following->writer, prefix);
            following->writer.write(prefix, done ? "(ended)" : done.error().what());
            --following->open;
        }).detach();
    }
    constexpr timespec kPoll{.tv_sec = 0, .tv_nsec = 100'000'000};
    bool interrupted = false;
    const auto enough = query.until_one_ends ? containers.size() - 1 : 0;
    while (following->open > enough && !interrupted) interrupted = ::sigtimedwait(&signals, nullptr, &kPoll) > 0;
    ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
    return interrupted;
}

Result<int> compose_logs(ComposeContext& context, std::span<char*> args) {
    const auto arguments = TRY(compose_arguments(args, kOptions, "logs [OPTIONS] [SERVICE...]"));
    if (!arguments) return 0;
    context.options.profiles.emplace_back("*");
    const auto project = TRY(load_compose(context));
    const auto client = TRY(compose_client(context));
    auto containers = TRY(chosen_containers(client, project, arguments->rest));
    if (const auto index = arguments->value("--index"); !index.empty())
        std::erase_if(containers, [&](const auto& c) { return std::to_string(c.number) != index; });
    LogQuery query;
    query.follow = arguments->has("--follow");
    query.timestamps = arguments->has("--timestamps");
    query.prefix = !arguments->has("--no-log-prefix");
    query.tail = arguments->value("--tail", "all");
    query.since = arguments->value("--since");
    query.until = arguments->value("--until");
    const bool interrupted = TRY(print_logs(client, containers, query));
    return interrupted ? 130 : 0;
}

}  // namespace diatom::cli
