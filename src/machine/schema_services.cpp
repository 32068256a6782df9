// Engines, services, the console, logs.
#include <array>

#include "machine/schema_parts.h"

namespace diatom::machine::schema {
namespace {

constexpr Type kMirrors{.form = Form::map, .item = &kText};

constexpr std::array kAuthKeys{
    Key{"username", &kText, "user", Applies::next_boot},
    Key{"password", &kSecret, "password", Applies::next_boot},
    Key{"auth", &kSecret, "both, as in docker's config.json", Applies::next_boot},
    Key{"identitytoken", &kSecret, "or a token", Applies::next_boot},
};
constexpr Type kAuth{.form = Form::object, .keys = kAuthKeys};
constexpr Type kAuths{.form = Form::map, .item = &kAuth};

constexpr std::array kTlsKeys{
    Key{"enabled", &kFlag, "whether the Docker API is served over TLS", Applies::next_boot},
    Key{"address", &kAddressText, "where it listens (all)", Applies::next_boot},
    Key{"port", &kPort, "its TCP port (2376)", Applies::next_boot},
};
constexpr Type kTls{.form = Form::object, .keys = kTlsKeys};

constexpr std::array kEngineKeys{
    Key{"enabled", &kFlag, "whether it runs (yes)", Applies::next_boot},
    Key{"image", &kText, "the image of another engine, which runs in its place (the machine's own)",
        Applies::next_boot},
    Key{"command", &kCommand, "what that is started with (as its image says)", Applies::next_boot},
    Key{"mirrors", &kMirrors, "mirrors by registry", Applies::next_boot},
    Key{"insecure", &kTexts, "registries with any certificate, or plain HTTP", Applies::next_boot},
    Key{"auths", &kAuths, "credentials by registry", Applies::next_boot},
    Key{"tls", &kTls, "the API over TLS", Applies::next_boot},
};

constexpr Type kNameList{.form = Form::list, .item = &kText, .merge = Merge::append};
constexpr Type kCompose{.form = Form::compose};
constexpr Type kDefinitions{.form = Form::map, .item = &kCompose};
constexpr std::array kServicesKeys{
    Key{"enable", &kNameList, "services of the image or of a file that run", Applies::next_boot},
    Key{"disable", &kNameList, "services that do not", Applies::next_boot},
    Key{"include", &kNameList, "Compose files, by path or URL", Applies::next_boot},
    Key{"define", &kDefinitions, "services by name, as in a Compose file", Applies::next_boot},
};

constexpr std::array kConsoleKeys{
    Key{"image", &kText, "the image of the console (the machine's own)", Applies::next_boot},
    Key{"persistent", &kFlag, "whether what is changed in that is kept over a boot (yes)", Applies::next_boot},
    Key{"autologin", &kFlag, "a root shell without login (no)", Applies::next_boot},
};

constexpr std::array<std::string_view, 4> kLevels{"debug", "info", "warning", "error"};
constexpr Type kLevel{.choices = kLevels};
constexpr Type kReceiverText{.format = &kReceiver};
constexpr Type kReceivers{.form = Form::list, .item = &kReceiverText};
constexpr std::array kLogsKeys{
    Key{"level", &kLevel, "debug, info, warning or error: the least that is kept (info)", Applies::live},
    Key{"max_size", &kSizeText, "bytes that are kept (64m, at most a part in 32 of the disk)", Applies::live},
    Key{"max_age", &kDurationText, "how long (as long as there is room)", Applies::live},
    Key{"forward", &kReceivers, "others that are told by RFC 5424: udp://HOST:PORT, tcp://…, tls://…", Applies::live},
};

}  // namespace

constinit const Type kEngine{.form = Form::object, .keys = kEngineKeys};
constinit const Type kServices{.form = Form::object, .keys = kServicesKeys};
constinit const Type kConsole{.form = Form::object, .keys = kConsoleKeys};
constinit const Type kLogs{.form = Form::object, .keys = kLogsKeys};

}  // namespace diatom::machine::schema
