#include "api/platform.h"

namespace diatom::api {
namespace {

std::vector<std::string> wanted_platforms(const Request& request) {
    auto wanted = request.params("platform");
    for (auto& text : request.params("platforms")) wanted.push_back(std::move(text));
    std::erase(wanted, "");
    return wanted;
}

}  // namespace

Result<image::Platform> decode_platform(std::string_view text) {
    const auto document = TRY(parse_json(text, "platform"));
    image::Platform platform{.os = TRY(json_string(document, "os")),
                             .architecture = TRY(json_string(document, "architecture")),
                             .variant = TRY(json_string(document, "variant"))};
    if (platform.os.empty() || platform.architecture.empty())
        return fail(Kind::invalid, "platform: must be an object with \"os\" and \"architecture\"");
    return platform;
}

Task<void> check_platform(Call& call, std::string name) {
    const auto wanted = wanted_platforms(call.request);
    if (wanted.empty()) co_return Result<void>{};
    auto found = co_await call.engine.image(name);
    const auto image = CO_TRY(std::move(found));
    for (const auto& text : wanted) {
        const auto platform = CO_TRY(decode_platform(text));
        if (platform.runs(image.config.platform)) continue;
        co_return fail(Kind::not_found,
                       "image with reference {} was found but its platform ({}) does not match the specified platform "
                       "({})",
                       name, image.config.platform.text(), platform.text());
    }
    co_return Result<void>{};
}

Result<void> check_host_platform(const Request& request) {
    for (const auto& text : wanted_platforms(request)) {
        const auto platform = TRY(decode_platform(text));
        if (!image::Platform::host().runs(platform))
            return fail(Kind::not_found, "images are loaded for {} here, not for {}", image::Platform::host().text(),
                        platform.text());
    }
    return {};
}

}  // namespace diatom::api
