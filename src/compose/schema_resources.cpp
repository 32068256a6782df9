#include "compose/schema_parts.h"

namespace diatom::compose::schema {
namespace {

// ulimits
constexpr std::array<Names, 2> kLimitKeys{"soft", "hard"};
constexpr std::array kLimitFields{Field{"soft", &kInteger}, Field{"hard", &kInteger}};
constexpr Type kLimit{
    .form = Form::object, .as = As::integer, .fields = kLimitFields, .merge = Merge::replace, .required = kLimitKeys};

// Block devices.
constexpr std::array kWeightFields{Field{"path", &kText, Omit::never}, Field{"weight", &kInteger, Omit::never}};
constexpr Type kWeight{.form = Form::object, .fields = kWeightFields, .capitals = true, .closed = true};
constexpr Type kWeights{.form = Form::list, .item = &kWeight};
constexpr std::array kThrottleFields{Field{"path", &kText, Omit::never}, Field{"rate", &kBytes, Omit::never}};
constexpr Type kThrottle{.form = Form::object, .fields = kThrottleFields, .capitals = true, .closed = true};
constexpr Type kThrottles{.form = Form::list, .item = &kThrottle};
constexpr std::array kBlkioFields{Field{"weight", &kInteger},
                                  Field{"weight_device", &kWeights},
                                  Field{"device_read_bps", &kThrottles},
                                  Field{"device_read_iops", &kThrottles},
                                  Field{"device_write_bps", &kThrottles},
                                  Field{"device_write_iops", &kThrottles}};

// deploy
constexpr std::array<Names, 1> kCapabilitiesKey{"capabilities"};
constexpr std::array kGpuFields{Field{"capabilities", &kDistinct}, Field{"driver", &kText}, Field{"count", &kCount},
                                Field{"device_ids", &kDistinct}, Field{"options", &kLabels}};
constexpr Type kGpu{.form = Form::object, .fields = kGpuFields};
constexpr Type kDeviceRequest{.form = Form::object, .fields = kGpuFields, .required = kCapabilitiesKey};
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

}  // namespace

constexpr Type kLimits{.form = Form::map, .item = &kLimit};
constexpr Type kBlkio{.form = Form::object, .fields = kBlkioFields};
constexpr Type kGpus{.form = Form::list, .item = &kGpu, .short_form = Short::gpus};
constexpr Type kDeploy{.form = Form::object, .fields = kDeployFields, .nullable = true};

}  // namespace diatom::compose::schema
