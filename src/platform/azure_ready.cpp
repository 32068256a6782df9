// What Azure's host wants to hear of a machine's first boot: the health of the role, for the goal state that it gives.
// Source: the wire protocol as the Azure Linux agent (2.11) speaks it: versions 2012-11-30, comp=goalstate,
// comp=health.
#include <format>

#include "platform/sources.h"
#include "platform/xml.h"

namespace diatom::platform {
namespace {

constexpr std::size_t kMaxReason = 512;

Headers headers() { return {{"x-ms-agent-name", "diatom"}, {"x-ms-version", "2012-11-30"}}; }

struct GoalState {
    std::string container, instance, incarnation;
};

Result<GoalState> parse_goal_state(const std::string& text) {
    const auto root = TRY(parse_xml(text, "goal state"));
    GoalState goal{.container = root.text_at({"Container", "ContainerId"}),
                   .instance = root.text_at({"Container", "RoleInstanceList", "RoleInstance", "InstanceId"}),
                   .incarnation = root.text_at({"Incarnation"})};
    if (root.name != "GoalState" || goal.container.empty() || goal.instance.empty() || goal.incarnation.empty())
        return fail(Kind::corrupt, "the goal state names no container, instance or incarnation");
    return goal;
}

std::string health(const GoalState& goal, const std::string& reason) {
    const auto state = reason.empty() ? std::string("<State>Ready</State>")
                                      : std::format(
                                            "<State>NotReady</State><Details><SubStatus>ProvisioningFailed</SubStatus>"
                                            "<Description>{}</Description></Details>",
                                            escape_xml(std::string_view(reason).substr(0, kMaxReason)));
    return std::format(
        R"(<?xml version="1.0" encoding="utf-8"?><Health xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" )"
        R"(xmlns:xsd="http://www.w3.org/2001/XMLSchema"><GoalStateIncarnation>{}</GoalStateIncarnation><Container>)"
        "<ContainerId>{}</ContainerId><RoleInstanceList><Role><InstanceId>{}</InstanceId><Health>{}</Health></Role>"
        "</RoleInstanceList></Container></Health>",
        escape_xml(goal.incarnation), escape_xml(goal.container), escape_xml(goal.instance), state);
}

Task<void> report(Access& access, std::string reason) {
    auto servers = CO_TRY(servers_of(access.endpoints.azure_wireserver));
    for (auto& server : servers) server = at(server, "/machine/?comp=goalstate");
    Request request{.headers = headers()};
    auto asked = co_await access.fetcher.ask(std::move(servers), std::move(request));
    const auto answer = CO_TRY(std::move(asked), "ask Azure for the goal state");
    if (answer.status != 200) co_return refused(answer.status, shown(answer.asked));
    const auto goal = CO_TRY(parse_goal_state(answer.body));
    Request told{.method = "POST", .headers = headers(), .body = health(goal, reason)};
    told.headers["Content-Type"] = "text/xml; charset=utf-8";
    auto sent = co_await access.fetcher.ask(at(answer.asked, "/machine?comp=health"), std::move(told));
    const auto taken = CO_TRY(std::move(sent), "tell Azure how the machine is");
    if (taken.status / 100 != 2) co_return refused(taken.status, shown(taken.asked));
    co_return Result<void>{};
}

}  // namespace

Task<void> azure_ready(Access& access) { co_return co_await report(access, {}); }

Task<void> azure_failed(Access& access, std::string reason) {
    if (reason.empty()) reason = "the machine's configuration could not be applied";
    co_return co_await report(access, std::move(reason));
}

}  // namespace diatom::platform
