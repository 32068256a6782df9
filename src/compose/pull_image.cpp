#include "compose/pull_image.h"

#include <format>

namespace diatom::compose {

Result<void> pull_image(const Client& client, const std::string& image) {
    const auto slash = image.rfind('/');
    const auto colon = image.rfind(':');
    const bool tagged =
        !image.contains('@') && colon != std::string::npos && (slash == std::string::npos || colon > slash);
    const auto name = tagged ? image.substr(0, colon) : image;
    const auto tag = tagged ? image.substr(colon + 1) : image.contains('@') ? "" : "latest";
    // One JSON document a line; a failure comes in the last.
    std::string pending, problem;
    TRY(client.stream("POST",
                      std::format("/images/create?fromImage={}&tag={}", percent_encode(name), percent_encode(tag)), {},
                      [&](std::string_view bytes) -> Result<void> {
                          pending += bytes;
                          for (auto end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
                              const auto line = parse_json(std::string_view(pending).substr(0, end), "pull");
                              if (line && line->contains("error")) problem = json_string(*line, "error").value_or("?");
                              pending.erase(0, end + 1);
                          }
                          return {};
                      }));
    if (!problem.empty()) return fail(Kind::unavailable, "{}", problem);
    return {};
}

}  // namespace diatom::compose
