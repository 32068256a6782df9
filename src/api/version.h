// The version of Docker's Engine API that is served, and of the Docker that speaks it, as clients see them.
#pragma once

namespace diatom::api {

inline constexpr int kMinorVersion = 51;  // Docker Engine API 1.51
inline constexpr int kMinMinorVersion = 24;
inline constexpr const char* kDockerVersion = "28.3.0";  // the release of Docker that came with this API

}  // namespace diatom::api
