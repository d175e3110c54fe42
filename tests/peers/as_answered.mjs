// Loaded before the server: makes commercetools-mock 4.4.0 answer with attribute values as the real service does.
//
// * An enum is written by its key and answered with key and label (API reference, "AttributePlainEnumValue"); the mock
//   answers with what it was given.
// * An attribute that was set to nothing is gone; the mock keeps its name without a value.
import { InMemoryStorage } from '@labdigital/commercetools-mock'

const whole = (type, value) => {
  if (type?.name === 'set' && Array.isArray(value)) return value.map((each) => whole(type.elementType, each))
  const enumerated = type?.name === 'enum' || type?.name === 'lenum'
  return (enumerated && typeof value === 'string' && type.values.find((each) => each.key === value)) || value
}

const add = InMemoryStorage.prototype.add
InMemoryStorage.prototype.add = async function (projectKey, typeId, resource, params) {
  if (typeId === 'product') {
    const productType = await this.get(projectKey, 'product-type', resource.productType.id)
    const types = Object.fromEntries((productType?.attributes ?? []).map((each) => [each.name, each.type]))
    for (const side of [resource.masterData.staged, resource.masterData.current]) {
      for (const variant of [side.masterVariant, ...side.variants]) {
        variant.attributes = (variant.attributes ?? [])
          .filter(({ value }) => value !== undefined && value !== null)
          .map(({ name, value }) => ({ name, value: whole(types[name], value) }))
      }
    }
  }
  return add.call(this, projectKey, typeId, resource, params)
}
