#include "compose/schema.h"

#include "compose/schema_parts.h"

namespace diatom::compose {
namespace schema {
namespace {

constexpr Type kServices{.form = Form::map, .item = &kService};

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
constexpr Type kInclude{.form = Form::object, .fields = kIncludeFields, .short_form = Short::key_path, .closed = true};
constexpr Type kIncludes{.form = Form::list, .item = &kInclude};

constexpr std::array kDocumentFields{Field{"configs", &kConfigs}, Field{"include", &kIncludes},
                                     Field{"name", &kText},       Field{"networks", &kNetworks},
                                     Field{"secrets", &kSecrets}, Field{"services", &kServices, Omit::never},
                                     Field{"version", &kAnyText}, Field{"volumes", &kVolumes}};
constexpr Type kDocument{.form = Form::object, .fields = kDocumentFields};

}  // namespace
}  // namespace schema

const Type& document_type() noexcept { return schema::kDocument; }
const Type& service_type() noexcept { return schema::kService; }

const Type* member_type(const Type& type, std::string_view key) noexcept {
    if (type.form == Form::map) return type.item;
    for (const auto& field : type.fields) {
        if (field.name == key) return field.type;
    }
    return nullptr;
}

bool has_extensions(const Type& type) noexcept { return type.form == Form::object && !type.closed; }

}  // namespace diatom::compose
