// /_ping, /version, /info, /events, /auth.
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include <algorithm>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>

#include "api/encode.h"
#include "api/race.h"
#include "api/router.h"
#include "base/strings.h"
#include "config/version.h"
#include "sys/clock.h"
#include "sys/file.h"

namespace diatom::api {
namespace {

namespace asio = boost::asio;

Task<void> ping(Call& call) {
    return call.connection.reply(
        200, "text/plain; charset=utf-8", "OK",
        "Builder-Version: 1\r\nSwarm: inactive\r\nCache-Control: no-cache, no-store, must-revalidate\r\n"
        "Pragma: no-cache\r\n");
}

struct utsname kernel() {
    struct utsname name{};
    ::uname(&name);
    return name;
}

Task<void> version(Call& call) {
    const auto uts = kernel();
    const auto release = config::release();
    const Json engine{{"Name", "Engine"},
                      {"Version", release.version},
                      {"Details",
                       {{"ApiVersion", std::format("1.{}", kMinorVersion)},
                        {"MinAPIVersion", std::format("1.{}", kMinMinorVersion)},
                        {"Os", "linux"},
                        {"Arch", "amd64"},
                        {"KernelVersion", uts.release},
                        {"GitCommit", release.commit},
                        {"BuildTime", release.built},
                        {"GoVersion", ""},
                        {"Experimental", "false"}}}};
    return call.connection.reply_json(200, {{"Platform", {{"Name", "Diatom OS"}}},
                                            {"Components", Json::array({engine})},
                                            {"Version", release.version},
                                            {"GitCommit", release.commit},
                                            {"BuildTime", release.built},
                                            {"ApiVersion", std::format("1.{}", kMinorVersion)},
                                            {"MinAPIVersion", std::format("1.{}", kMinMinorVersion)},
                                            {"GoVersion", ""},
                                            {"Os", "linux"},
                                            {"Arch", "amd64"},
                                            {"KernelVersion", uts.release}});
}

// A proxy as everybody may see it.
std::string without_password(const std::string& proxy) {
    const auto begin = proxy.find("://") == std::string::npos ? 0 : proxy.find("://") + 3;
    const auto at = proxy.rfind('@');
    return at == std::string::npos || at < begin ? proxy : proxy.substr(0, begin) + "xxxxx:xxxxx" + proxy.substr(at);
}

Json engine_facts(const engine::EngineOptions& options) {
    Json mirrors = Json::array();
    for (const auto& [host, mirror] : options.mirrors) mirrors.push_back(host + "=" + mirror);
    Json insecure{"127.0.0.0/8", "::1/128"};
    for (const auto& entry : options.insecure_registries) insecure.push_back(entry);
    return {{"RegistryConfig",
             {{"InsecureRegistryCIDRs", insecure}, {"Mirrors", mirrors}, {"IndexConfigs", Json::object()}}},
            {"HttpProxy", without_password(options.http_proxy)},
            {"HttpsProxy", without_password(options.https_proxy)},
            {"NoProxy", options.no_proxy},
            {"DockerRootDir", options.root},
            {"Driver", "overlay2"},
            {"DriverStatus",
             Json::array({Json::array({"Backing Filesystem", "extfs"}), Json::array({"Native Overlay Diff", "true"})})},
            {"LoggingDriver", "json-file"},
            {"CgroupDriver", "cgroupfs"},
            {"CgroupVersion", "2"},
            {"DefaultRuntime", "diatom"},
            {"Runtimes", {{"diatom", {{"path", "/proc/self/exe"}}}}},
            {"Plugins",
             {{"Volume", {"local"}},
              {"Network", {"bridge", "host", "ipvlan", "macvlan", "null"}},
              {"Authorization", nullptr},
              {"Log", {"json-file", "local", "none"}}}},
            {"SecurityOptions", {"name=seccomp,profile=builtin", "name=cgroupns"}},
            {"InitBinary", "docker-init"},
            {"ContainerdCommit", {{"ID", ""}}},
            {"RuncCommit", {{"ID", ""}}},
            {"InitCommit", {{"ID", ""}}},
            {"CDISpecDirs", Json::array()},
            {"GenericResources", nullptr},
            {"Isolation", ""},
            {"ProductLicense", ""},
            {"Debug", false},
            {"LiveRestoreEnabled", true}};
}

Task<void> info(Call& call) {
    auto listed = co_await call.engine.images();
    const auto images = CO_TRY(std::move(listed));
    const auto containers = call.engine.containers();
    const auto count = [&](engine::Status status) {
        return std::ranges::count_if(containers, [&](const auto& c) { return c.state.status == status; });
    };
    const auto running = count(engine::Status::running);
    const auto paused = count(engine::Status::paused);
    struct sysinfo memory{};
    ::sysinfo(&memory);
    const auto uts = kernel();
    Json body = engine_facts(call.engine.options());
    body.update({{"ID", trim(sys::read_file("/etc/machine-id").value_or(""))},
                 {"Containers", containers.size()},
                 {"ContainersRunning", running},
                 {"ContainersPaused", paused},
                 {"ContainersStopped", static_cast<std::int64_t>(containers.size()) - running - paused},
                 {"Images", images.size()},
                 {"Name", uts.nodename},
                 {"NCPU", ::get_nprocs()},
                 {"MemTotal", static_cast<std::uint64_t>(memory.totalram) * memory.mem_unit},
                 {"KernelVersion", uts.release},
                 {"OperatingSystem", std::format("Diatom OS {}", config::version())},
                 {"OSType", "linux"},
                 {"OSVersion", config::version()},
                 {"Architecture", uts.machine},
                 {"ServerVersion", config::version()},
                 {"SystemTime", sys::format_rfc3339(sys::wall_ns())},
                 {"IndexServerAddress", "https://index.docker.io/v1/"},
                 {"MemoryLimit", true},
                 {"SwapLimit", true},
                 {"CpuCfsPeriod", true},
                 {"CpuCfsQuota", true},
                 {"CPUShares", true},
                 {"CPUSet", true},
                 {"PidsLimit", true},
                 {"IPv4Forwarding", true},
                 {"OomKillDisable", false},
                 {"NEventsListener", call.engine.listeners()},
                 {"NFd", sys::count_open_fds().value_or(0)},
                 {"Swarm", {{"LocalNodeState", "inactive"}, {"ControlAvailable", false}, {"NodeID", ""}}},
                 {"ExperimentalBuild", false},
                 {"Labels", Json::array()},
                 {"Warnings", Json::array()}});
    // nftables here sees bridged packets of its own accord; what asked whether iptables does went with 1.50.
    if (call.version() < 50) body.update({{"BridgeNfIptables", false}, {"BridgeNfIp6tables", false}});
    if (call.version() >= 49) body["FirewallBackend"] = {{"Driver", "nftables"}};
    co_return co_await call.connection.reply_json(200, body);
}

Json encode_event(const engine::Event& event, int version) {
    Json body{{"Type", event.type},
              {"Action", event.action},
              {"Actor", {{"ID", event.id}, {"Attributes", event.attributes}}},
              {"scope", "local"},
              {"time", event.time / 1'000'000'000},
              {"timeNano", event.time}};
    if (version < 52 && (event.type == "container" || event.type == "image")) {
        body["status"] = event.action;
        body["id"] = event.id;
        if (event.type == "container" && event.attributes.contains("image"))
            body["from"] = event.attributes.at("image");
    }
    return body;
}

// By its id or its name, with or without the tag; a container's events are about its image, too.
bool is_about_image(const engine::Event& event, const std::string& wanted) {
    const auto name = event.attributes.find(event.type == "image" ? "name" : "image");
    const auto is = [&](const std::string& text) {
        const auto colon = text.rfind(':');
        return text == wanted ||
               (colon != std::string::npos && !text.substr(colon).contains('/') && text.substr(0, colon) == wanted);
    };
    return (event.type == "image" && is(event.id)) || (name != event.attributes.end() && is(name->second));
}

bool event_matches(const engine::Event& event, const Filters& filters) {
    const auto attribute = [&](const char* key) {
        const auto it = event.attributes.find(key);
        return it == event.attributes.end() ? std::string() : it->second;
    };
    // The labels of what an event is about are among its attributes.
    return passes(filters, event.attributes, [&](std::string_view key, const std::string& value) {
        if (key == "type") return event.type == value;
        if (key == "event") return event.action == value || event.action.starts_with(value + ":");
        if (key == "scope") return value == "local";
        if (key == "image") return is_about_image(event, value);
        // A network's events name the containers that join it.
        if (key == "container" && attribute("container").starts_with(value)) return event.type == "network";
        return key == event.type && (event.id.starts_with(value) || attribute("name").starts_with(value));
    });
}

// Events wait here between the engine, which must not block, and a client, which may.
struct EventQueue {
    explicit EventQueue(const asio::any_io_executor& loop) : wake(loop) {
        wake.expires_at(asio::steady_timer::time_point::max());
    }
    std::deque<engine::Event> events;
    bool overflow = false;
    asio::steady_timer wake;
};
constexpr std::size_t kMaxQueuedEvents = 4096;

Task<void> pump_events(Call& call, EventQueue& queue, std::int64_t until, const Filters& filters) {
    for (;;) {
        while (!queue.events.empty()) {
            const auto event = std::move(queue.events.front());
            queue.events.pop_front();
            if (until != 0 && event.time > until) co_return Result<void>{};
            if (!event_matches(event, filters)) continue;
            const auto line = dump_json(encode_event(event, call.version())) + "\n";
            auto sent = co_await call.connection.write_chunk(line);
            CO_TRY(std::move(sent));
        }
        if (queue.overflow)
            co_return fail(Kind::exhausted, "the client reads events too slowly: {} are waiting", kMaxQueuedEvents);
        if (until != 0) {
            const auto left = until - sys::wall_ns();
            if (left <= 0) co_return Result<void>{};
            queue.wake.expires_after(std::chrono::nanoseconds(left));
        } else {
            queue.wake.expires_at(asio::steady_timer::time_point::max());
        }
        boost::system::error_code woken;
        co_await queue.wake.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        const auto cancelled = co_await asio::this_coro::cancellation_state;
        if (cancelled.cancelled() != asio::cancellation_type::none)
            co_return fail(Kind::cancelled, "the client went away");
    }
}

Task<void> events(Call& call) {
    const auto filters = CO_TRY(decode_filters(call.request));
    const auto since = CO_TRY(time_param(call.request, "since"));
    const auto until = CO_TRY(time_param(call.request, "until"));
    auto queue = std::make_shared<EventQueue>(co_await asio::this_coro::executor);
    const auto subscription = call.engine.subscribe(since.value_or(0), [queue, since](const engine::Event& event) {
        if (since && event.time < *since) return;
        if (queue->events.size() >= kMaxQueuedEvents) queue->overflow = true;
        else queue->events.push_back(event);
        queue->wake.cancel();
    });
    auto begun = co_await call.connection.begin_stream(200, "application/json");
    CO_TRY(std::move(begun));
    auto pumped = co_await while_connected(call.connection, pump_events(call, *queue, until.value_or(0), filters));
    CO_TRY(std::move(pumped));
    co_return co_await call.connection.end_stream();
}

Task<void> auth(Call& call) {
    const auto body = CO_TRY(body_json(call.request));
    image::Credentials credentials;
    credentials.username = CO_TRY(json_string(body, "username"));
    credentials.password = CO_TRY(json_string(body, "password"));
    credentials.identity_token = CO_TRY(json_string(body, "identitytoken"));
    auto host = CO_TRY(json_string(body, "serveraddress", "docker.io"));
    auto checked = co_await call.engine.check_login(std::move(host), std::move(credentials));
    CO_TRY(std::move(checked));
    co_return co_await call.connection.reply_json(200, {{"Status", "Login Succeeded"}, {"IdentityToken", ""}});
}

constexpr Route kRoutes[] = {
    {"GET", "/_ping", ping},    {"GET", "/version", version}, {"GET", "/info", info},
    {"GET", "/events", events}, {"POST", "/auth", auth},
};

}  // namespace

std::span<const Route> system_routes() { return kRoutes; }

}  // namespace diatom::api
