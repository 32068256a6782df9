#include "compose/schema_parts.h"

namespace diatom::compose::schema {
namespace {

constexpr Type kBuildSecrets{.form = Form::list, .item = &kMount};
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

constexpr std::array kHookFields{Field{"command", &kCommand, Omit::never}, Field{"user", &kText},
                                 Field{"privileged", &kFlag}, Field{"working_dir", &kText},
                                 Field{"environment", &kVariables}};
constexpr Type kHook{.form = Form::object, .fields = kHookFields};
constexpr std::array<Names, 5> kWatchActions{"rebuild", "sync", "restart", "sync+restart", "sync+exec"};
constexpr std::array<Names, 2> kWatchKeys{"path", "action"};
constexpr Type kWatchAction{.choices = kWatchActions};
constexpr std::array kWatchFields{Field{"path", &kFile, Omit::never}, Field{"action", &kWatchAction, Omit::never},
                                  Field{"target", &kText}, Field{"exec", &kHook, Omit::never},
                                  Field{"ignore", &kTexts}};
constexpr Type kWatch{.form = Form::object, .fields = kWatchFields, .required = kWatchKeys};
constexpr Type kWatches{.form = Form::list, .item = &kWatch};
constexpr std::array kDevelopFields{Field{"watch", &kWatches}};

}  // namespace

constexpr Type kBuild{.form = Form::object, .fields = kBuildFields, .short_form = Short::key_context};
constexpr Type kDevelop{.form = Form::object, .fields = kDevelopFields, .nullable = true};
constexpr Type kHooks{.form = Form::list, .item = &kHook};

}  // namespace diatom::compose::schema
