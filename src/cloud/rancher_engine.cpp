// rancher.docker. Source: RancherOS 1.5, config/types.go (EngineOpts, DockerConfig).
#include <array>

#include "base/strings.h"
#include "cloud/draft.h"

namespace diatom::cloud {
namespace {

constexpr std::string_view kDaemon = "this is a flag of dockerd, which is not what runs here";
constexpr std::string_view kPlaces = "where the engine keeps its things is not chosen: all is on the state partition";
constexpr std::string_view kTls = "certificates are made by `diatom tls generate`, and kept on the state partition";
constexpr std::string_view kLogs = "each container says where it logs to: logging of Compose, docker run --log-driver";
constexpr std::string_view kBridge = "networks have their own addresses: docker network create --subnet";

constexpr std::array kKeys{
    Known{"engine", "engines of other versions are images: see `diatom engine`"},
    Known{"tls"},
    Known{"tls_args", "the API over TLS is set by engine.tls: address and port"},
    Known{"extra_args", kDaemon},
    Known{"server_cert", kTls},
    Known{"server_key", kTls},
    Known{"ca_cert", kTls},
    Known{"ca_key", kTls},
    Known{"environment"},
    Known{"storage_context", kPlaces},
    Known{"exec", kDaemon},
    Known{"bridge", kBridge},
    Known{"bip", kBridge},
    Known{"config_file", kDaemon},
    Known{"containerd", kDaemon},
    Known{"debug", "the log's level is that of the machine: logs.level"},
    Known{"exec_root", kPlaces},
    Known{"group", "the engine's socket is root's: give a user sudo, or use TLS"},
    Known{"graph", kPlaces},
    Known{"host", "the engine listens on its socket, and over TLS: engine.tls"},
    Known{"insecure_registry"},
    Known{"live_restore", "containers go on running while the engine is replaced, always"},
    Known{"log_driver", kLogs},
    Known{"log_opts", kLogs},
    Known{"pid_file", kPlaces},
    Known{"registry_mirror"},
    Known{"restart", "containers are started again by their own restart policies"},
    Known{"selinux_enabled", "the kernel has no SELinux"},
    Known{"storage_driver", "there is one store, on overlayfs"},
    Known{"userland_proxy", "ports are published by the kernel's rules alone"},
};

// NAME=VALUE: proxies are the machine's, and the engine has no other variables.
void read_environment(const Section& docker, Draft& draft) {
    const auto variables = docker.texts("environment");
    for (const auto& variable : variables ? variables->items() : std::vector<Value>()) {
        const auto halves = cut(variable.text(), '=');
        const auto name = to_lower(halves ? halves->first : std::string_view(variable.text()));
        const auto text = placed(Value::of(halves ? halves->second : std::string_view()), variable);
        if (name == "http_proxy" || name == "https_proxy") {
            draft.part({"proxies"}, variable).set(name == "http_proxy" ? "http" : "https", text);
        } else if (name == "no_proxy") {
            auto hosts = placed(Value::list(), variable);
            for (const auto host : split(text.text(), ',')) {
                if (!trim(host).empty()) hosts.add(placed(Value::of(trim(host)), variable));
            }
            draft.part({"proxies"}, variable).set("none", std::move(hosts));
        } else {
            draft.notes.refuse(
                variable, docker.at("environment"),
                "of the engine's environment only proxies have a meaning: HTTP_PROXY, HTTPS_PROXY, NO_PROXY");
        }
    }
}

}  // namespace

void translate_rancher_engine(const Section& docker, Draft& draft) {
    docker.expect(kKeys);
    if (docker.has("tls")) docker.flag_to("tls", draft.part({"engine", "tls"}, *docker.find("tls")), "enabled");
    if (const auto mirror = docker.text("registry_mirror")) {
        const auto& from = *docker.find("registry_mirror");
        draft.part({"engine", "mirrors"}, from).set("docker.io", placed(Value::of(*mirror), from));
    }
    if (docker.has("insecure_registry"))
        docker.texts_to("insecure_registry", draft.part({"engine"}, *docker.find("insecure_registry")), "insecure");
    read_environment(docker, draft);
}

}  // namespace diatom::cloud
