#include "compose/schema_parts.h"

namespace diatom::compose::schema {
namespace {

// secrets, configs
constexpr std::array kMountFields{Field{"source", &kText}, Field{"target", &kText}, Field{"uid", &kText},
                                  Field{"gid", &kText}, Field{"mode", &kInteger, Omit::absent}};
constexpr Type kSecretMounts{.form = Form::list, .item = &kMount, .same = Same::secret};
constexpr Type kConfigMounts{.form = Form::list, .item = &kMount, .same = Same::config};

// depends_on, devices, env_file, healthcheck, logging, networks, ports, volumes
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
constexpr Type kEnvFile{.form = Form::object,
                        .fields = kEnvFileFields,
                        .short_form = Short::env_file,
                        .closed = true,
                        .required = kPathKey};
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
constexpr Type kExtends{.form = Form::object,
                        .fields = kExtendsFields,
                        .short_form = Short::key_service,
                        .closed = true,
                        .required = kServiceKey};

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

}  // namespace

constexpr Type kMount{.form = Form::object, .fields = kMountFields, .short_form = Short::key_source};
constexpr Type kService{.form = Form::object, .fields = kServiceFields};

}  // namespace diatom::compose::schema
