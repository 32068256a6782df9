#include "api/decode.h"

namespace diatom::api {

Result<VolumeRequest> decode_volume(const Json& body) {
    const auto driver = TRY(json_string(body, "Driver", "local"));
    if (!driver.empty() && driver != "local")
        return fail(Kind::not_found,
                    "error looking up volume plugin {}: plugin \"{}\" not found: this version has the driver local",
                    driver, driver);
    if (json_member(body, "ClusterVolumeSpec").is_object())
        return fail(Kind::unavailable, "This node is not a swarm manager: volumes here are of one machine.");
    VolumeRequest wanted;
    wanted.name = TRY(json_string(body, "Name"));
    wanted.labels = TRY(json_string_map(body, "Labels"));
    wanted.options = TRY(json_string_map(body, "DriverOpts"));
    return wanted;
}

}  // namespace diatom::api
