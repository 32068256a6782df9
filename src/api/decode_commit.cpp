#include "api/decode.h"

namespace diatom::api {

Json decode_commit(const Json& body) {
    Json process = Json::object();
    for (const char* key : {"Env", "Cmd", "Entrypoint", "User", "WorkingDir", "Labels", "ExposedPorts", "Volumes",
                            "StopSignal", "OnBuild", "Healthcheck", "Shell"}) {
        const Json& value = json_member(body, key);
        if (!value.is_null() && value != "") process[key] = value;
    }
    return process;
}

}  // namespace diatom::api
