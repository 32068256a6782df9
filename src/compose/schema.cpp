#include "compose/schema.h"

#include <array>

namespace diatom::compose {
namespace {

using Names = std::string_view;

constexpr Type kText{};
constexpr Type kAnyText{.as = As::any_text};
constexpr Type kInteger{.as = As::integer};
constexpr Type kReal{.as = As::real};
constexpr Type kFlag{.as = As::boolean};
constexpr Type kBytes{.as = As::bytes};
constexpr Type kDuration{.as = As::duration};
constexpr Type kCount{.as = As::count};
constexpr Type kFile{.path = Path::file};
constexpr Type kContext{.path = Path::context};
constexpr Type kNullableText{.nullable = true};
constexpr Type kAny{.form = Form::any, .nullable = true};

constexpr Type kTexts{.form = Form::list, .item = &kText};
constexpr Type kDistinct{.form = Form::list, .item = &kText, .same = Same::refused};
constexpr Type kDistinctMixed{.form = Form::list, .item = &kAnyText, .same = Same::refused};
constexpr Type kTextSet{.form = Form::list, .item = &kText, .same = Same::key};
constexpr Type kMixedSet{.form = Form::list, .item = &kAnyText, .same = Same::text};
constexpr Type kTextOrList{.form = Form::list, .item = &kText, .short_form = Short::one_text, .same = Same::key};
constexpr Type kFileOrList{.form = Form::list, .item = &kFile, .short_form = Short::one_text, .same = Same::text};
constexpr Type kVariables{.form = Form::pairs, .as = As::variable};
constexpr Type kLabels{.form = Form::pairs, .as = As::label};
constexpr Type kContexts{.form = Form::pairs, .as = As::label, .path = Path::context};
constexpr Type kOptions{.form = Form::map, .item = &kAnyText};
constexpr Type kOptionOrNull{.as = As::any_text, .nullable = true};
constexpr Type kNullableOptions{.form = Form::map, .item = &kOptionOrNull};
constexpr Type kCommand{
    .form = Form::list, .item = &kText, .short_form = Short::words, .merge = Merge::replace, .nullable = true};
constexpr Type kHosts{.form = Form::list, .item = &kText, .short_form = Short::hosts, .same = Same::text};

// Services: secrets, configs.
constexpr std::array kMountFields{Field{"source", &kText}, Field{"target", &kText}, Field{"uid", &kText},
                                  Field{"gid", &kText}, Field{"mode", &kInteger, Omit::absent}};
constexpr Type kMount{.form = Form::object, .fields = kMountFields, .short_form = Short::key_source};
constexpr Type kSecretMounts{.form = Form::list, .item = &kMount, .same = Same::secret};
constexpr Type kConfigMounts{.form = Form::list, .item = &kMount, .same = Same::config};
constexpr Type kBuildSecrets{.form = Form::list, .item = &kMount};

// Services: ulimits.
constexpr std::array<Names, 2> kLimitKeys{"soft", "hard"};
constexpr std::array kLimitFields{Field{"soft", &kInteger}, Field{"hard", &kInteger}};
constexpr Type kLimit{
    .form = Form::object, .as = As::integer, .fields = kLimitFields, .merge = Merge::replace, .required = kLimitKeys};
constexpr Type kLimits{.form = Form::map, .item = &kLimit};

// Services: build.
constexpr Type kSsh{.form = Form::list, .item = &kText, .short_form = Short::ssh, .same = Same::key};
constexpr std::array kBuildFields{Field{"context", &kContext},
                                  Field{"dockerfile", &kText},
                                  Field{"dockerfile_inline", &kText},
                                  Field{"entitlements", &kTexts},
                                  Field{"args", &kVariables},
                                  Field{"ssh", &kSsh},
                                  Field{"labels", &kLabels},
                                  Field{"cache_from", &kTexts},
                                  Field{"cache_to", &kTexts},
                                  Field{"no_cache", &kFlag},
                                  Field{"additional_contexts", &kContexts},
                                  Field{"pull", &kFlag},
                                  Field{"extra_hosts", &kHosts},
                                  Field{"isolation", &kText},
                                  Field{"network", &kText},
                                  Field{"target", &kText},
                                  Field{"secrets", &kBuildSecrets},
                                  Field{"shm_size", &kBytes},
                                  Field{"tags", &kTextSet},
                                  Field{"ulimits", &kLimits},
                                  Field{"platforms", &kTexts},
                                  Field{"privileged", &kFlag}};
constexpr Type kBuild{.form = Form::object, .fields = kBuildFields, .short_form = Short::key_context};

// Services: hooks, develop.
constexpr std::array kHookFields{Field{"command", &kCommand, Omit::never}, Field{"user", &kText},
                                 Field{"privileged", &kFlag}, Field{"working_dir", &kText},
                                 Field{"environment", &kVariables}};
constexpr Type kHook{.form = Form::object, .fields = kHookFields};
constexpr Type kHooks{.form = Form::list, .item = &kHook};
constexpr std::array<Names, 5> kWatchActions{"rebuild", "sync", "restart", "sync+restart", "sync+exec"};
constexpr std::array<Names, 2> kWatchKeys{"path", "action"};
constexpr Type kWatchAction{.choices = kWatchActions};
constexpr std::array kWatchFields{Field{"path", &kFile, Omit::never}, Field{"action", &kWatchAction, Omit::never},
                                  Field{"target", &kText}, Field{"exec", &kHook, Omit::never},
                                  Field{"ignore", &kTexts}};
constexpr Type kWatch{.form = Form::object, .fields = kWatchFields, .required = kWatchKeys};
constexpr Type kWatches{.form = Form::list, .item = &kWatch};
constexpr std::array kDevelopFields{Field{"watch", &kWatches}};
constexpr Type kDevelop{.form = Form::object, .fields = kDevelopFields, .nullable = true};

// Services: block devices.
constexpr std::array kWeightFields{Field{"path", &kText, Omit::never}, Field{"weight", &kInteger, Omit::never}};
constexpr Type kWeight{.form = Form::object, .fields = kWeightFields, .capitals = true};
constexpr Type kWeights{.form = Form::list, .item = &kWeight};
constexpr std::array kThrottleFields{Field{"path", &kText, Omit::never}, Field{"rate", &kBytes, Omit::never}};
constexpr Type kThrottle{.form = Form::object, .fields = kThrottleFields, .capitals = true};
constexpr Type kThrottles{.form = Form::list, .item = &kThrottle};
constexpr std::array kBlkioFields{Field{"weight", &kInteger},
                                  Field{"weight_device", &kWeights},
                                  Field{"device_read_bps", &kThrottles},
                                  Field{"device_read_iops", &kThrottles},
                                  Field{"device_write_bps", &kThrottles},
                                  Field{"device_write_iops", &kThrottles}};
constexpr Type kBlkio{.form = Form::object, .fields = kBlkioFields};

// Services: depends_on, devices, env_file, healthcheck, logging, networks, ports, volumes.
constexpr std::array<Names, 3> kConditions{"service_started", "service_healthy", "service_completed_successfully"};
constexpr std::array<Names, 1> kDependencyKeys{"condition"};
constexpr Type kCondition{.choices = kConditions};
constexpr std::array kDependencyFields{Field{"condition", &kCondition}, Field{"restart", &kFlag},
                                       Field{"required", &kFlag, Omit::never}};
constexpr Type kDependency{.form = Form::object, .fields = kDependencyFields, .required = kDependencyKeys};
constexpr Type kDependencies{.form = Form::map, .item = &kDependency, .short_form = Short::dependencies};

constexpr std::array<Names, 1> kSourceKey{"source"};
constexpr std::array kDeviceFields{Field{"source", &kText}, Field{"target", &kText}, Field{"permissions", &kText}};
constexpr Type kDevice{
    .form = Form::object, .fields = kDeviceFields, .short_form = Short::device, .required = kSourceKey};
constexpr Type kDevices{.form = Form::list, .item = &kDevice, .same = Same::device};

constexpr std::array<Names, 1> kPathKey{"path"};
constexpr std::array kEnvFileFields{Field{"path", &kFile}, Field{"required", &kFlag, Omit::never},
                                    Field{"format", &kText}};
constexpr Type kEnvFile{
    .form = Form::object, .fields = kEnvFileFields, .short_form = Short::env_file, .required = kPathKey};
constexpr Type kEnvFiles{.form = Form::list, .item = &kEnvFile, .short_form = Short::one_text, .same = Same::path};

constexpr Type kHealthTest{
    .form = Form::list, .item = &kText, .short_form = Short::health_test, .merge = Merge::replace};
constexpr std::array kHealthFields{Field{"test", &kHealthTest},
                                   Field{"timeout", &kDuration, Omit::absent},
                                   Field{"interval", &kDuration, Omit::absent},
                                   Field{"retries", &kInteger, Omit::absent},
                                   Field{"start_period", &kDuration, Omit::absent},
                                   Field{"start_interval", &kDuration, Omit::absent},
                                   Field{"disable", &kFlag}};
constexpr Type kHealth{.form = Form::object, .fields = kHealthFields};

constexpr std::array kLoggingFields{Field{"driver", &kText}, Field{"options", &kNullableOptions}};
constexpr Type kLogging{.form = Form::object, .fields = kLoggingFields, .merge = Merge::logging};

constexpr std::array kAttachmentFields{
    Field{"priority", &kInteger},       Field{"aliases", &kTextSet},
    Field{"ipv4_address", &kText},      Field{"ipv6_address", &kText},
    Field{"link_local_ips", &kTextSet}, Field{"mac_address", &kText},
    Field{"driver_opts", &kOptions},    Field{"gw_priority", &kInteger, Omit::always}};
constexpr Type kAttachment{.form = Form::object, .fields = kAttachmentFields, .nullable = true};
constexpr Type kAttachments{.form = Form::map, .item = &kAttachment, .short_form = Short::names};

constexpr std::array kPortFields{Field{"name", &kText},        Field{"mode", &kText},         Field{"host_ip", &kText},
                                 Field{"target", &kInteger},   Field{"published", &kAnyText}, Field{"protocol", &kText},
                                 Field{"app_protocol", &kText}};
constexpr Type kPort{.form = Form::object, .fields = kPortFields};
constexpr Type kPorts{.form = Form::list, .item = &kPort, .short_form = Short::ports, .same = Same::port};

constexpr std::array<Names, 4> kRecursions{"enabled", "disabled", "writable", "readonly"};
constexpr std::array<Names, 2> kSelinux{"z", "Z"};
constexpr Type kRecursion{.choices = kRecursions};
constexpr Type kRelabel{.choices = kSelinux};
constexpr std::array kBindFields{Field{"selinux", &kRelabel}, Field{"propagation", &kText},
                                 Field{"create_host_path", &kFlag}, Field{"recursive", &kRecursion}};
constexpr Type kBind{.form = Form::object, .fields = kBindFields};
constexpr std::array kVolumeMountFields{Field{"nocopy", &kFlag}, Field{"subpath", &kText}};
constexpr Type kVolumeMount{.form = Form::object, .fields = kVolumeMountFields};
constexpr std::array kTmpfsFields{Field{"size", &kBytes}, Field{"mode", &kInteger}};
constexpr Type kTmpfs{.form = Form::object, .fields = kTmpfsFields};
constexpr std::array<Names, 1> kTypeKey{"type"};
constexpr std::array kServiceVolumeFields{
    Field{"type", &kText},        Field{"source", &kText}, Field{"target", &kText},        Field{"read_only", &kFlag},
    Field{"consistency", &kText}, Field{"bind", &kBind},   Field{"volume", &kVolumeMount}, Field{"tmpfs", &kTmpfs}};
constexpr Type kServiceVolume{.form = Form::object,
                              .fields = kServiceVolumeFields,
                              .short_form = Short::volume,
                              .path = Path::bind_source,
                              .required = kTypeKey};
constexpr Type kServiceVolumes{.form = Form::list, .item = &kServiceVolume, .same = Same::target};

constexpr std::array kCredentialFields{Field{"config", &kText}, Field{"file", &kText}, Field{"registry", &kText}};
constexpr Type kCredentials{.form = Form::object, .fields = kCredentialFields};

constexpr std::array<Names, 1> kServiceKey{"service"};
constexpr std::array kExtendsFields{Field{"file", &kText}, Field{"service", &kText}};
constexpr Type kExtends{
    .form = Form::object, .fields = kExtendsFields, .short_form = Short::key_service, .required = kServiceKey};

// Services: deploy.
constexpr std::array<Names, 1> kCapabilitiesKey{"capabilities"};
constexpr std::array kGpuFields{Field{"capabilities", &kDistinct}, Field{"driver", &kText}, Field{"count", &kCount},
                                Field{"device_ids", &kDistinct}, Field{"options", &kLabels}};
constexpr Type kGpu{.form = Form::object, .fields = kGpuFields};
constexpr Type kDeviceRequest{.form = Form::object, .fields = kGpuFields, .required = kCapabilitiesKey};
constexpr Type kGpus{.form = Form::list, .item = &kGpu, .short_form = Short::gpus};
constexpr Type kDeviceRequests{.form = Form::list, .item = &kDeviceRequest};
constexpr std::array kDiscreteFields{Field{"kind", &kText, Omit::never}, Field{"value", &kInteger, Omit::never}};
constexpr Type kDiscrete{.form = Form::object, .fields = kDiscreteFields};
constexpr std::array kGenericFields{Field{"discrete_resource_spec", &kDiscrete}};
constexpr Type kGeneric{.form = Form::object, .fields = kGenericFields};
constexpr Type kGenerics{.form = Form::list, .item = &kGeneric};
constexpr std::array kResourceLimitFields{Field{"cpus", &kReal}, Field{"memory", &kBytes}, Field{"pids", &kInteger}};
constexpr Type kResourceLimits{.form = Form::object, .fields = kResourceLimitFields};
constexpr std::array kReservationFields{Field{"cpus", &kReal}, Field{"memory", &kBytes},
                                        Field{"devices", &kDeviceRequests}, Field{"generic_resources", &kGenerics}};
constexpr Type kReservations{.form = Form::object, .fields = kReservationFields};
constexpr std::array kResourceFields{Field{"limits", &kResourceLimits}, Field{"reservations", &kReservations}};
constexpr Type kResources{.form = Form::object, .fields = kResourceFields};
constexpr std::array<Names, 2> kOrders{"start-first", "stop-first"};
constexpr Type kOrder{.choices = kOrders};
constexpr std::array kUpdateFields{Field{"parallelism", &kInteger, Omit::absent},
                                   Field{"delay", &kDuration},
                                   Field{"failure_action", &kText},
                                   Field{"monitor", &kDuration},
                                   Field{"max_failure_ratio", &kReal},
                                   Field{"order", &kOrder}};
constexpr Type kUpdate{.form = Form::object, .fields = kUpdateFields};
constexpr std::array kRestartFields{Field{"condition", &kText}, Field{"delay", &kDuration, Omit::absent},
                                    Field{"max_attempts", &kInteger, Omit::absent},
                                    Field{"window", &kDuration, Omit::absent}};
constexpr Type kRestart{.form = Form::object, .fields = kRestartFields};
constexpr std::array kSpreadFields{Field{"spread", &kText}};
constexpr Type kSpread{.form = Form::object, .fields = kSpreadFields};
constexpr Type kSpreads{.form = Form::list, .item = &kSpread};
constexpr std::array kPlacementFields{Field{"constraints", &kTexts}, Field{"preferences", &kSpreads},
                                      Field{"max_replicas_per_node", &kInteger}};
constexpr Type kPlacement{.form = Form::object, .fields = kPlacementFields};
constexpr std::array kDeployFields{Field{"mode", &kText},
                                   Field{"replicas", &kInteger, Omit::absent},
                                   Field{"labels", &kLabels},
                                   Field{"update_config", &kUpdate},
                                   Field{"rollback_config", &kUpdate},
                                   Field{"resources", &kResources, Omit::never},
                                   Field{"restart_policy", &kRestart},
                                   Field{"placement", &kPlacement, Omit::never},
                                   Field{"endpoint_mode", &kText}};
constexpr Type kDeploy{.form = Form::object, .fields = kDeployFields, .nullable = true};

constexpr std::array<Names, 2> kCgroups{"host", "private"};
constexpr Type kCgroup{.choices = kCgroups};
constexpr std::array<Names, 5> kPullPolicies{"always", "never", "if_not_present", "build", "missing"};
constexpr Type kPullPolicy{.choices = kPullPolicies};

constexpr std::array kServiceFields{Field{"profiles", &kTextSet},
                                    Field{"annotations", &kLabels},
                                    Field{"attach", &kFlag, Omit::absent},
                                    Field{"build", &kBuild},
                                    Field{"develop", &kDevelop},
                                    Field{"blkio_config", &kBlkio},
                                    Field{"cap_add", &kTextSet},
                                    Field{"cap_drop", &kTextSet},
                                    Field{"cgroup_parent", &kText},
                                    Field{"cgroup", &kCgroup},
                                    Field{"cpu_count", &kInteger},
                                    Field{"cpu_percent", &kReal},
                                    Field{"cpu_period", &kInteger},
                                    Field{"cpu_quota", &kInteger},
                                    Field{"cpu_rt_period", &kInteger},
                                    Field{"cpu_rt_runtime", &kInteger},
                                    Field{"cpus", &kReal},
                                    Field{"cpuset", &kText},
                                    Field{"cpu_shares", &kInteger},
                                    Field{"command", &kCommand, Omit::never},
                                    Field{"configs", &kConfigMounts},
                                    Field{"container_name", &kText},
                                    Field{"credential_spec", &kCredentials},
                                    Field{"depends_on", &kDependencies},
                                    Field{"deploy", &kDeploy},
                                    Field{"device_cgroup_rules", &kDistinct},
                                    Field{"devices", &kDevices},
                                    Field{"dns", &kTextOrList},
                                    Field{"dns_opt", &kTextSet},
                                    Field{"dns_search", &kTextOrList},
                                    Field{"domainname", &kText},
                                    Field{"entrypoint", &kCommand, Omit::never},
                                    Field{"environment", &kVariables},
                                    Field{"env_file", &kEnvFiles},
                                    Field{"expose", &kMixedSet},
                                    Field{"extends", &kExtends},
                                    Field{"external_links", &kDistinct},
                                    Field{"extra_hosts", &kHosts},
                                    Field{"group_add", &kDistinctMixed},
                                    Field{"gpus", &kGpus},
                                    Field{"hostname", &kText},
                                    Field{"healthcheck", &kHealth},
                                    Field{"image", &kText},
                                    Field{"init", &kFlag, Omit::absent},
                                    Field{"ipc", &kText},
                                    Field{"isolation", &kText},
                                    Field{"labels", &kLabels},
                                    Field{"label_file", &kFileOrList},
                                    Field{"links", &kTextSet},
                                    Field{"logging", &kLogging},
                                    Field{"mem_limit", &kBytes},
                                    Field{"mem_reservation", &kBytes},
                                    Field{"memswap_limit", &kBytes},
                                    Field{"mem_swappiness", &kBytes},
                                    Field{"mac_address", &kText},
                                    Field{"network_mode", &kText},
                                    Field{"networks", &kAttachments},
                                    Field{"oom_kill_disable", &kFlag},
                                    Field{"oom_score_adj", &kInteger},
                                    Field{"pid", &kNullableText},
                                    Field{"pids_limit", &kInteger},
                                    Field{"platform", &kText},
                                    Field{"ports", &kPorts},
                                    Field{"privileged", &kFlag},
                                    Field{"pull_policy", &kPullPolicy},
                                    Field{"read_only", &kFlag},
                                    Field{"restart", &kText},
                                    Field{"runtime", &kText},
                                    Field{"scale", &kInteger, Omit::absent},
                                    Field{"secrets", &kSecretMounts},
                                    Field{"security_opt", &kDistinct},
                                    Field{"shm_size", &kBytes},
                                    Field{"stdin_open", &kFlag},
                                    Field{"stop_grace_period", &kDuration, Omit::absent},
                                    Field{"stop_signal", &kText},
                                    Field{"storage_opt", &kOptions},
                                    Field{"sysctls", &kLabels},
                                    Field{"tmpfs", &kTextOrList},
                                    Field{"tty", &kFlag},
                                    Field{"ulimits", &kLimits},
                                    Field{"user", &kText},
                                    Field{"userns_mode", &kText},
                                    Field{"uts", &kText},
                                    Field{"volumes", &kServiceVolumes},
                                    Field{"volumes_from", &kDistinct},
                                    Field{"working_dir", &kText},
                                    Field{"post_start", &kHooks},
                                    Field{"pre_stop", &kHooks}};
constexpr Type kService{.form = Form::object, .fields = kServiceFields};
constexpr Type kServices{.form = Form::map, .item = &kService};

// Networks, volumes, secrets, configs.
constexpr std::array kPoolFields{Field{"subnet", &kText}, Field{"gateway", &kText}, Field{"ip_range", &kText},
                                 Field{"aux_addresses", &kOptions}};
constexpr Type kPool{.form = Form::object, .fields = kPoolFields};
constexpr Type kPools{.form = Form::list, .item = &kPool, .merge = Merge::pools};
constexpr std::array kIpamFields{Field{"driver", &kText}, Field{"config", &kPools},
                                 Field{"options", &kOptions, Omit::always}};
constexpr Type kIpam{.form = Form::object, .fields = kIpamFields};
constexpr std::array kNetworkFields{Field{"name", &kText},
                                    Field{"driver", &kText},
                                    Field{"driver_opts", &kOptions},
                                    Field{"ipam", &kIpam, Omit::never},
                                    Field{"external", &kFlag},
                                    Field{"internal", &kFlag},
                                    Field{"attachable", &kFlag},
                                    Field{"labels", &kLabels},
                                    Field{"enable_ipv4", &kFlag, Omit::absent},
                                    Field{"enable_ipv6", &kFlag, Omit::absent}};
constexpr Type kNetwork{
    .form = Form::object, .fields = kNetworkFields, .short_form = Short::external, .nullable = true};
constexpr Type kNetworks{.form = Form::map, .item = &kNetwork};
constexpr std::array kVolumeFields{Field{"name", &kText}, Field{"driver", &kText}, Field{"driver_opts", &kOptions},
                                   Field{"external", &kFlag}, Field{"labels", &kLabels}};
constexpr Type kVolume{.form = Form::object,
                       .fields = kVolumeFields,
                       .short_form = Short::external,
                       .path = Path::bind_device,
                       .nullable = true};
constexpr Type kVolumes{.form = Form::map, .item = &kVolume};
constexpr std::array kSecretFields{Field{"name", &kText},           Field{"file", &kFile},
                                   Field{"environment", &kText},    Field{"external", &kFlag},
                                   Field{"labels", &kLabels},       Field{"driver", &kText},
                                   Field{"driver_opts", &kOptions}, Field{"template_driver", &kText}};
constexpr Type kSecret{.form = Form::object, .fields = kSecretFields, .short_form = Short::external};
constexpr Type kSecrets{.form = Form::map, .item = &kSecret};
constexpr std::array kConfigFields{
    Field{"name", &kText},     Field{"file", &kFile},     Field{"environment", &kText},    Field{"content", &kText},
    Field{"external", &kFlag}, Field{"labels", &kLabels}, Field{"template_driver", &kText}};
constexpr Type kConfig{.form = Form::object, .fields = kConfigFields, .short_form = Short::external};
constexpr Type kConfigs{.form = Form::map, .item = &kConfig};

constexpr std::array kIncludeFields{Field{"path", &kTextOrList}, Field{"project_directory", &kText},
                                    Field{"env_file", &kTextOrList}};
constexpr Type kInclude{.form = Form::object, .fields = kIncludeFields, .short_form = Short::key_path};
constexpr Type kIncludes{.form = Form::list, .item = &kInclude};

constexpr std::array kDocumentFields{Field{"configs", &kConfigs}, Field{"include", &kIncludes},
                                     Field{"name", &kText},       Field{"networks", &kNetworks},
                                     Field{"secrets", &kSecrets}, Field{"services", &kServices, Omit::never},
                                     Field{"version", &kAnyText}, Field{"volumes", &kVolumes}};
constexpr Type kDocument{.form = Form::object, .fields = kDocumentFields};

}  // namespace

const Type& document_type() noexcept { return kDocument; }
const Type& service_type() noexcept { return kService; }

const Type* member_type(const Type& type, std::string_view key) noexcept {
    if (type.form == Form::map) return type.item;
    for (const auto& field : type.fields) {
        if (field.name == key) return field.type;
    }
    return nullptr;
}

bool has_extensions(const Type& type) noexcept {
    return type.form == Form::object && &type != &kThrottle && &type != &kWeight && &type != &kEnvFile &&
           &type != &kExtends && &type != &kInclude;
}

}  // namespace diatom::compose
