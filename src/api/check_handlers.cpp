// GET /diatom/check: what `diatom system check` prints. Below /diatom/ stands what Docker's API does not have.
#include "api/router.h"

namespace diatom::api {
namespace {

Task<void> check(Call& call) {
    auto checked = co_await call.engine.check();
    const auto report = CO_TRY(std::move(checked));
    Json findings = Json::array();
    for (const auto& finding : report.findings)
        findings.push_back({{"what", finding.what}, {"where", finding.where}, {"advice", finding.advice}});
    co_return co_await call.connection.reply_json(200, {{"holds", report.findings.empty()},
                                                        {"findings", std::move(findings)},
                                                        {"skipped", report.skipped},
                                                        {"containers", report.containers},
                                                        {"running", report.running},
                                                        {"descriptors", report.descriptors}});
}

constexpr Route kRoutes[] = {{"GET", "/diatom/check", check}};

}  // namespace

std::span<const Route> check_routes() { return kRoutes; }

}  // namespace diatom::api
