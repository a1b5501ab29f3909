from django.db import migrations, models

# Exports that were made before keep the fund numbers that their projects have now: nothing has
# changed those since, other than the administration.
FREEZE = """
    ALTER TABLE billing_internalexport DISABLE TRIGGER USER;
    UPDATE billing_internalexport AS export
    SET fund_numbers = found.numbers
    FROM (
        SELECT line.export_id, jsonb_object_agg(project.id::text, project.fund_number) AS numbers
        FROM billing_internalexportline AS line
        JOIN billing_chargeallocation AS part ON part.charge_id = line.charge_id
        JOIN institutions_project AS project ON project.id = part.project_id
        GROUP BY line.export_id
    ) AS found
    WHERE found.export_id = export.id;
    ALTER TABLE billing_internalexport ENABLE TRIGGER USER;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0009_guards'),
        ('institutions', '0006_books2'),
    ]

    operations = [
        migrations.AddField(
            model_name='internalexport',
            name='fund_numbers',
            field=models.JSONField(default=dict, editable=False, verbose_name='fund numbers'),
        ),
        migrations.RunSQL(FREEZE, migrations.RunSQL.noop),
    ]
