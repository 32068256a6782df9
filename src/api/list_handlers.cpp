// docker ps.
#include <algorithm>
#include <limits>

#include "api/encode.h"
#include "api/name_filter.h"
#include "api/router.h"
#include "base/strings.h"
#include "net/port.h"

namespace diatom::api {
namespace {

bool container_matches(const engine::Container& container, std::string_view key, const std::string& value) {
    if (key == "id") return container.id.starts_with(value);
    if (key == "status") return to_string(container.state.status) == value;
    if (key == "health") return to_string(container.state.health.status) == value;
    if (key == "exited")
        return container.state.status == engine::Status::exited && std::to_string(container.state.exit_code) == value;
    if (key == "ancestor") {
        return container.config.image == value || container.image.text() == value ||
               container.image.hex().starts_with(value) || container.config.image == value + ":latest";
    }
    if (key == "network") {
        return std::ranges::any_of(
            container.endpoints, [&](const auto& e) { return e.network == value || e.network_id.starts_with(value); });
    }
    if (key == "volume") {
        return std::ranges::any_of(container.volumes,
                                   [&](const auto& v) { return v.name == value || v.target == value; });
    }
    if (key == "is-task") return !is_true(value);  // tasks are a swarm's
    return false;
}

constexpr std::string_view kFilters[] = {"id",    "name",   "status", "exited", "ancestor", "network", "volume",
                                         "label", "health", "before", "since",  "publish",  "expose",  "is-task"};
// These name other containers and ports, which are looked up once.
constexpr std::string_view kPrepared[] = {"before", "since", "publish", "expose"};

// What "before" and "since" leave of the time in which containers were made, and the names and ports that are asked
// for.
struct Prepared {
    NameFilter names;
    std::int64_t after = std::numeric_limits<std::int64_t>::min(), before = std::numeric_limits<std::int64_t>::max();
    std::vector<net::Port> published, exposed;
};

// "80", "80/udp", "8000-8010/tcp"
Result<void> add_ports(std::string_view text, std::vector<net::Port>& ports) {
    const auto slash = std::min(text.find('/'), text.size());
    const auto range = cut(text.substr(0, slash), '-').value_or(Halves{text.substr(0, slash), text.substr(0, slash)});
    const std::string protocol(text.substr(slash));
    const auto first = TRY(net::parse_port(std::string(range.first) + protocol));
    const auto last = TRY(net::parse_port(std::string(range.second) + protocol));
    if (first.number > last.number) return fail(Kind::invalid, "invalid range of ports: {}", text);
    for (unsigned number = first.number; number <= last.number; ++number)
        ports.push_back({first.protocol, static_cast<std::uint16_t>(number)});
    return {};
}

Result<Prepared> prepare(engine::Engine& engine, Filters& filters) {
    Prepared prepared{.names = TRY(NameFilter::take(filters)), .published = {}, .exposed = {}};
    for (const auto& name : filters["before"])
        prepared.before = std::min(prepared.before, TRY(engine.inspect(name)).created);
    for (const auto& name : filters["since"])
        prepared.after = std::max(prepared.after, TRY(engine.inspect(name)).created);
    for (const auto& text : filters["publish"]) TRY(add_ports(text, prepared.published));
    for (const auto& text : filters["expose"]) TRY(add_ports(text, prepared.exposed));
    for (const auto key : kPrepared) filters.erase(std::string(key));
    return prepared;
}

bool has_any(const std::vector<net::Port>& wanted, const std::vector<net::Port>& ports) {
    return wanted.empty() ||
           std::ranges::any_of(ports, [&](const auto& port) { return std::ranges::contains(wanted, port); });
}

bool passes_prepared(const Prepared& prepared, const engine::Container& container) {
    if (container.created <= prepared.after || container.created >= prepared.before) return false;
    // Docker's own name begins with a slash, and old clients ask for it so.
    if (!prepared.names.allows(container.name) && !prepared.names.allows("/" + container.name)) return false;
    if (prepared.published.empty() && prepared.exposed.empty()) return true;
    std::vector<net::Port> published, exposed;
    for (const auto& mapping : container.published) {
        published.push_back({mapping.protocol, mapping.host_port});
        exposed.push_back({mapping.protocol, mapping.container_port});
    }
    for (const auto& text : container.config.exposed_ports) {
        if (const auto port = net::parse_port(text)) exposed.push_back(*port);
    }
    return has_any(prepared.published, published) && has_any(prepared.exposed, exposed);
}

Task<void> list(Call& call) {
    auto filters = CO_TRY(decode_filters(call.request));
    CO_TRY(check_filters(filters, kFilters));
    const auto prepared = CO_TRY(prepare(call.engine, filters));
    const auto limit = CO_TRY(call.request.number("limit")).value_or(0);
    const bool all = call.request.flag("all") || limit > 0 || filters.contains("status") || filters.contains("exited");
    JsonText rows;
    std::int64_t count = 0;
    rows.begin_array();
    for (const auto& container : call.engine.containers()) {
        if (limit > 0 && count >= limit) break;
        if (!all && !engine::is_active(container.state.status)) continue;
        const auto matches = [&](std::string_view key, const std::string& value) {
            return container_matches(container, key, value);
        };
        if (!passes(filters, container.config.labels, matches) || !passes_prepared(prepared, container)) continue;
        std::optional<engine::ContainerSize> size;
        if (call.request.flag("size")) {
            auto measured = co_await call.engine.container_size(container.id);
            size = measured.value_or(engine::ContainerSize{});
        }
        ++count;
        write_container_row(rows, container, size, call.version());
    }
    rows.end_array();
    co_return co_await call.connection.reply(200, "application/json", rows.text() + '\n');
}

constexpr Route kRoutes[] = {{"GET", "/containers/json", list}};

}  // namespace

std::span<const Route> list_routes() { return kRoutes; }

}  // namespace diatom::api
