#include "cli/own_configuration.h"

#include "machine/store.h"

namespace diatom::cli {

Result<void> change_configuration(std::string_view what, const std::function<Result<void>(Value&)>& edit) {
    const machine::Store store;
    auto document = TRY(store.own());
    TRY(edit(document));
    return store.write(document, what);
}

}  // namespace diatom::cli
